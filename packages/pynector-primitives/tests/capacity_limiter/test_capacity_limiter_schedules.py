"""No more tokens borrowed than there are, and none lost."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


async def apart(func: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


def contention(fast: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def scenario() -> None:
        limiter, most = CapacityLimiter(2, fast_acquire=fast), 2

        def within_bounds() -> None:
            nonlocal most
            assert limiter.borrowed_tokens <= max(limiter.total_tokens, most)
            most = min(most, limiter.borrowed_tokens) if limiter.total_tokens == 1 else 2

        invariant(within_bounds)

        async def use() -> None:
            async with limiter:
                await anyio.lowlevel.checkpoint()

        async def use_for_another() -> None:
            await limiter.acquire_on_behalf_of("another")
            try:
                await anyio.lowlevel.checkpoint()
            finally:
                limiter.release_on_behalf_of("another")

        async def resize() -> None:
            limiter.total_tokens = 1
            await anyio.lowlevel.checkpoint()
            limiter.total_tokens = 2

        async with anyio.create_task_group() as tg:
            for func in (use, use_for_another, use, resize, use):
                tg.start_soon(apart, func)
        assert limiter.borrowed_tokens == 0
        assert limiter.statistics().borrowers == ()
        assert limiter.statistics().tasks_waiting == 0
        await limiter.acquire_on_behalf_of("another")

    return scenario


@backends
@both_speeds
def test_bounds_hold_in_any_order(backend: str, fast: bool) -> None:
    explore(contention(fast), schedules=150, backend=backend).check()


@backends
@both_speeds
def test_no_token_is_lost_wherever_a_task_is_cancelled(backend: str, fast: bool) -> None:
    cancel_everywhere(contention(fast), victims=is_victim, orders=3, backend=backend).check()


@both_speeds
def test_no_token_is_lost_when_scope_and_task_are_cancelled_in_one_tick(fast: bool) -> None:
    cancel_everywhere(contention(fast), victims=is_victim, faults=["both", "twice"], orders=2).check()


@backends
@both_speeds
def test_no_token_is_lost_wherever_a_task_is_interrupted(backend: str, fast: bool) -> None:
    cancel_everywhere(
        contention(fast), victims=is_victim, faults=["interrupt"], orders=2, backend=backend
    ).check()
