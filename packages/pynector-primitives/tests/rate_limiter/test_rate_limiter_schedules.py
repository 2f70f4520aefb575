"""The rate holds and no permit is lost, whatever the order of the tasks and wherever one is cancelled."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import RateLimiter
from pynector.concurrency.testing import cancel_everywhere, explore

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


async def apart(func: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


async def many_take_permits() -> None:
    """Two a second, two at once: no window holds more, and nobody waits for a permit that nobody took."""
    limiter = RateLimiter(2, burst=2)
    taken = list[float]()

    async def take() -> None:
        await limiter.acquire()
        taken.append(anyio.current_time())

    start = anyio.current_time()
    async with anyio.create_task_group() as tg:
        for _ in range(5):
            tg.start_soon(apart, take)
        await anyio.sleep(0.75)
        tg.start_soon(apart, take)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= 2 + 2 * (taken[last] - taken[first]) + 1e-6
    for number, at in enumerate(taken):
        assert at - start <= max(0.75, (number - 1) / 2) + 1e-6
    assert limiter.statistics().tasks_waiting == 0
    await anyio.sleep(1)
    limiter.acquire_nowait()
    limiter.acquire_nowait()


@backends
def test_the_rate_holds_in_any_order(backend: str) -> None:
    explore(many_take_permits, schedules=150, backend=backend).check()


@backends
def test_the_rate_holds_wherever_a_task_is_cancelled(backend: str) -> None:
    cancel_everywhere(many_take_permits, victims=is_victim, orders=2, backend=backend).check()


def test_the_rate_holds_when_scope_and_task_are_cancelled_in_one_tick() -> None:
    cancel_everywhere(many_take_permits, victims=is_victim, faults=["both", "twice"]).check()
