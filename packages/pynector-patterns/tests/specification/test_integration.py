"""The specification's tests of several layers together, under its names."""

import anyio
import pytest

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.primitives import Event, Lock, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.asyncio


@pytest.mark.virtual_time
async def test_task_group_with_cancellation() -> None:
    async def sleep_long(number: int) -> None:
        try:
            await anyio.sleep(5)
            log.append(f"completed-{number}")
        except anyio.get_cancelled_exc_class():
            log.append(f"cancelled-{number}")
            raise

    log: list[str] = []
    with move_on_after(0.01):
        async with create_task_group() as tg:
            for number in (1, 2, 3):
                await tg.start_soon(sleep_long, number)

    assert sorted(log) == ["cancelled-1", "cancelled-2", "cancelled-3"]


async def test_resource_primitives_integration() -> None:
    async def work(number: int) -> None:
        async with semaphore:
            log.append("semaphore acquired")
            async with lock:
                log.append("lock acquired")
                await anyio.sleep(0.001)
                log.append("lock released")
            await event.wait()
            log.append("event received")

    lock, semaphore, event = Lock(), Semaphore(2), Event()
    log: list[str] = []
    async with create_task_group() as tg:
        for number in range(5):
            await tg.start_soon(work, number)
        await wait_until_blocked()
        assert log.count("semaphore acquired") == 2
        event.set()

    assert log.count("semaphore acquired") == log.count("event received") == 5
    assert [line for line in log if line.startswith("lock")] == ["lock acquired", "lock released"] * 5
