"""Nobody sleeps on, whatever the order of the tasks and wherever one is cancelled."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import Event
from pynector.concurrency.testing import cancel_everywhere, explore

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


async def apart(func: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


async def waiters_before_and_after_set() -> None:
    event = Event()

    async def wait() -> None:
        await event.wait()
        assert event.is_set()

    async with anyio.create_task_group() as tg:
        tg.start_soon(apart, wait)
        tg.start_soon(apart, wait)
        await anyio.lowlevel.checkpoint()
        event.set()
        tg.start_soon(apart, wait)
    assert event.statistics().tasks_waiting == 0


@backends
def test_all_are_woken_in_any_order(backend: str) -> None:
    explore(waiters_before_and_after_set, schedules=150, backend=backend).check()


@backends
def test_the_others_are_woken_wherever_a_task_is_cancelled(backend: str) -> None:
    cancel_everywhere(waiters_before_and_after_set, victims=is_victim, orders=3, backend=backend).check()


def test_the_others_are_woken_when_scope_and_task_are_cancelled_in_one_tick() -> None:
    cancel_everywhere(waiters_before_and_after_set, victims=is_victim, faults=["both", "twice"]).check()
