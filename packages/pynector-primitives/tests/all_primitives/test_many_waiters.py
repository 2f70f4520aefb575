"""A waiter costs the same, however many there are, and a cancelled one leaves nothing behind."""

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter, Event, Lock, Semaphore
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


def calls(func: Callable[[], object]) -> int:
    """Count the calls of Python and C functions in *func*: a cost that no busy machine changes."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        func()
    finally:
        sys.setprofile(None)
    return count


async def test_a_hand_over_costs_the_same_with_10_and_with_1000_waiters() -> None:
    cost = dict[int, int]()
    for waiters in (10, 1000):
        semaphore = Semaphore(0)
        async with anyio.create_task_group() as tg:
            for number in range(waiters):
                tg.start_soon(semaphore.acquire)
                if number % 10 == 9:
                    await anyio.lowlevel.checkpoint()
            await wait_until_blocked()
            cost[waiters] = calls(semaphore.release)
            tg.cancel_scope.cancel()
    assert cost[10] == cost[1000]


async def test_waiters_that_come_and_are_cancelled_do_not_pile_up_behind_one_that_stays() -> None:
    semaphore = Semaphore(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(semaphore.acquire)
        await wait_until_blocked()
        for _ in range(100):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await semaphore.acquire()
        assert semaphore.statistics().tasks_waiting == 1
        assert len(semaphore._lot.queue) <= 2
        semaphore.release()
    assert semaphore.value == 0


async def test_an_object_that_is_no_longer_used_is_freed() -> None:
    async def use(thing: Any) -> None:
        async with thing:
            pass

    for make in (Lock, lambda: Semaphore(1), lambda: CapacityLimiter(1)):
        thing: Any = make()
        async with anyio.create_task_group() as tg:
            async with thing:
                tg.start_soon(use, thing)
                await wait_until_blocked()
        gone = weakref.ref(thing)
        del thing
        gc.collect()
        assert gone() is None


async def test_an_event_for_each_of_many_waits_leaves_nothing_behind() -> None:
    events = [Event() for _ in range(50)]
    refs = [weakref.ref(event) for event in events]
    async with anyio.create_task_group() as tg:
        for event in events:
            tg.start_soon(event.wait)
        await wait_until_blocked()
        for event in events:
            event.set()
    events.clear()
    del event
    gc.collect()
    assert not any(ref() for ref in refs)
