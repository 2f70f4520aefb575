"""Value, held and handed over add up to the initial value at every step."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio import WouldBlock

from pynector.concurrency.primitives import Semaphore
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


async def apart(func: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func)


def contention(fast: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def scenario() -> None:
        semaphore, inside = Semaphore(2, max_value=2, fast_acquire=fast), 0
        invariant(lambda: 0 <= semaphore.value <= 2 - inside)

        async def use() -> None:
            nonlocal inside
            for _ in range(2):
                async with semaphore:
                    inside += 1
                    try:
                        await anyio.lowlevel.checkpoint()
                    finally:
                        inside -= 1

        async def barge() -> None:
            waiting = semaphore.statistics().tasks_waiting
            try:
                semaphore.acquire_nowait()
            except WouldBlock:
                return
            assert not waiting
            await anyio.lowlevel.checkpoint()
            semaphore.release()

        async with anyio.create_task_group() as tg:
            for func in (use, use, barge, use):
                tg.start_soon(apart, func)
        assert semaphore.value == 2
        assert semaphore.statistics().tasks_waiting == 0

    return scenario


@backends
@both_speeds
def test_places_are_kept_in_any_order(backend: str, fast: bool) -> None:
    explore(contention(fast), schedules=150, backend=backend).check()


@backends
@both_speeds
def test_no_place_is_lost_wherever_a_task_is_cancelled(backend: str, fast: bool) -> None:
    # Not the one that barges: acquire_nowait() without a `finally` is its own risk.
    victims = {"use"}
    cancel_everywhere(contention(fast), victims=victims.__contains__, orders=3, backend=backend).check()


@both_speeds
def test_no_place_is_lost_when_scope_and_task_are_cancelled_in_one_tick(fast: bool) -> None:
    cancel_everywhere(
        contention(fast), victims=lambda name: name == "use", faults=["both", "twice"], orders=2
    ).check()


@backends
@both_speeds
def test_no_place_is_lost_wherever_a_task_is_interrupted(backend: str, fast: bool) -> None:
    cancel_everywhere(
        contention(fast), victims=lambda name: name == "use", faults=["interrupt"], orders=2, backend=backend
    ).check()
