"""Schedules a second, for four tasks and fifty steps in all, on one core.

python packages/pynector-task/benchmarks/schedules.py
"""

import anyio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import explore


async def four_tasks() -> None:
    lock = anyio.Lock()

    async def user() -> None:
        for _ in range(3):
            async with lock:
                await checkpoint()
            await checkpoint()

    async with anyio.create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(user)


if __name__ == "__main__":
    for backend in ("asyncio", "trio"):
        explore(four_tasks, backend=backend, schedules=10).check()
        report = explore(four_tasks, backend=backend, schedules=2000)
        print(
            f"{backend:8} {report.schedules / report.seconds:7,.0f} a second,"
            f" {report.steps / report.schedules:.0f} steps each"
        )
