"""One owner, in order, never lost: in any order of tasks and wherever one is cancelled."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio import BrokenResourceError

from pynector.concurrency.primitives import Lock
from pynector.concurrency.testing import cancel_everywhere, explore

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
        lock, inside = Lock(fast_acquire=fast), 0

        async def use() -> None:
            nonlocal inside
            for _ in range(2):
                async with lock:
                    inside += 1
                    try:
                        assert inside == 1
                        await anyio.lowlevel.checkpoint()
                        assert inside == 1
                    finally:
                        inside -= 1

        async with anyio.create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(apart, use)
        lock.acquire_nowait()
        lock.release()
        assert lock.statistics().tasks_waiting == 0

    return scenario


@backends
@both_speeds
def test_mutual_exclusion_holds_in_any_order(backend: str, fast: bool) -> None:
    explore(contention(fast), schedules=150, backend=backend).check()


@backends
@both_speeds
def test_the_lock_is_free_in_the_end_wherever_a_task_is_cancelled(backend: str, fast: bool) -> None:
    cancel_everywhere(contention(fast), victims=is_victim, orders=3, backend=backend).check()


@both_speeds
def test_the_lock_is_free_in_the_end_when_scope_and_task_are_cancelled_in_one_tick(fast: bool) -> None:
    cancel_everywhere(contention(fast), victims=is_victim, faults=["both", "twice"], orders=2).check()


async def the_owner_ends() -> None:
    lock, refused = Lock(), 0

    async def end() -> None:
        await lock.acquire()
        await anyio.lowlevel.checkpoint()

    async def use() -> None:
        nonlocal refused
        try:
            async with lock:
                pass
        except BrokenResourceError:
            refused += 1

    async with anyio.create_task_group() as tg:
        for func in (use, end, use, use):
            tg.start_soon(apart, func)
    assert refused <= 3


@backends
def test_nobody_waits_for_an_owner_that_ended(backend: str) -> None:
    explore(the_owner_ends, schedules=150, backend=backend).check()
    cancel_everywhere(the_owner_ends, victims=is_victim, backend=backend).check()


@backends
@both_speeds
def test_the_lock_is_free_in_the_end_wherever_a_task_is_interrupted(backend: str, fast: bool) -> None:
    cancel_everywhere(
        contention(fast), victims=is_victim, faults=["interrupt"], orders=2, backend=backend
    ).check()
