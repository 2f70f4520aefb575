"""A task that never comes to its next `await` does not hang the tester."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest

from pynector.concurrency.testing import Stuck, cancel_everywhere, explore, replay

WATCHDOG = "pynector.concurrency.testing._loop.watchdog"


async def spins() -> None:
    done = False

    async def spin() -> None:
        while not done:
            pass

    async with anyio.create_task_group() as tg:
        tg.start_soon(spin)
        tg.start_soon(anyio.sleep, 1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("run", [explore, cancel_everywhere])
def test_a_loop_without_await_is_interrupted_and_told_with_its_line(
    run: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WATCHDOG}.LIMIT", 0.05)
    monkeypatch.setattr(f"{WATCHDOG}.PERIOD", 0.01)

    with pytest.raises(Stuck, match=r"spin#1 does not come to its next await: 0\.05 s of") as caught:
        run(spins, backend=backend)

    assert f"under {backend}/fifo" in str(caught.value)
    assert "spin#1 is at test_watchdog.py:" in str(caught.value)


def test_one_that_is_interrupted_on_purpose_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def stubborn() -> None:
            try:
                await anyio.sleep(1)
            finally:
                while True:
                    pass

        async with anyio.create_task_group() as tg:
            tg.start_soon(stubborn)

    monkeypatch.setattr(f"{WATCHDOG}.LIMIT", 0.05)
    monkeypatch.setattr(f"{WATCHDOG}.PERIOD", 0.01)

    with pytest.raises(Stuck, match="stubborn#1 does not come to its next await"):
        replay(scenario, "asyncio/fifo/interrupt-1@3")


def test_a_real_interrupt_is_passed_on() -> None:
    async def scenario() -> None:
        raise KeyboardInterrupt

    for run in (explore, cancel_everywhere, partial(replay, token="asyncio/fifo")):
        with pytest.raises(KeyboardInterrupt):
            run(scenario)  # type: ignore[operator]
