"""A schedule that is made shorter still does the same to the same."""

from __future__ import annotations

import anyio
import pytest

from pynector.concurrency.testing import cancel_everywhere


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_task_is_struck_that_is_no_victim(backend: str) -> None:
    async def scenario() -> None:
        done: list[str] = []
        begun: list[str] = []

        async def user() -> None:
            await anyio.sleep(1)
            done.append("user")

        async def helper() -> None:
            await anyio.sleep(1)
            done.append("helper")

        async def apart(name: str) -> None:
            begun.append(name)
            async with anyio.create_task_group() as tg:
                tg.start_soon(user if name == "user" else helper)

        async with anyio.create_task_group() as tg:
            tg.start_soon(apart, "helper")
            tg.start_soon(apart, "user")
        if "helper" not in done or (begun[0] == "user" and "user" not in done):
            raise RuntimeError("somebody is missing")

    report = cancel_everywhere(scenario, victims="user".__eq__, faults=["scope"], orders=20, backend=backend)

    assert report.failures
    for failure in report.failures:
        assert all("injected into user#" in line for line in failure.injected)
