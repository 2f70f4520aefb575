"""A block is either interrupted or done, and says which, whatever the order and whenever the time is up."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after
from pynector.concurrency.errors import shield
from pynector.concurrency.testing import cancel_everywhere, explore

Scenario = Callable[[], Coroutine[Any, Any, None]]
backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
SECONDS = (0.999, 1, 1.001)


async def time_limits_around_work_of_the_same_length() -> None:
    """Either the work is done, or TimeoutError is raised: never both, never neither."""

    async def work(seconds: float) -> None:
        done = failed = False
        try:
            with fail_after(1) as scope:
                await anyio.sleep(seconds)
                done = True
        except TimeoutError:
            failed = True
        assert done != failed
        assert scope.cancelled_caught == failed
        assert failed or seconds <= 1
        assert done or seconds >= 1

    async with anyio.create_task_group() as tg:
        for seconds in SECONDS:
            tg.start_soon(work, seconds)


async def limits_inside_limits() -> None:
    """The nearest one leaves its own block, and the others do not notice."""

    async def work(inner_seconds: float, outer_seconds: float) -> None:
        with move_on_after(outer_seconds) as outer:
            with move_on_after(inner_seconds) as inner:
                await anyio.sleep(5)
            await anyio.lowlevel.checkpoint()
        assert inner.cancelled_caught == (inner_seconds < outer_seconds)
        assert outer.cancelled_caught == (outer_seconds < inner_seconds)

    async with anyio.create_task_group() as tg:
        tg.start_soon(work, 1, 2)
        tg.start_soon(work, 2, 1)


async def a_limit_and_a_call_at_the_same_time() -> None:
    """Whichever came first gives the reason; the block ends once."""
    reasons: list[str | None] = []

    async def work(scope: CancelScope) -> None:
        with scope:
            await anyio.sleep(5)
        assert scope.cancelled_caught
        reasons.append(scope.cancel_reason)

    async def cancel(scope: CancelScope) -> None:
        await anyio.sleep(1)
        scope.cancel("by a call")

    async with anyio.create_task_group() as tg:
        scope = move_on_after(1)
        tg.start_soon(work, scope)
        tg.start_soon(cancel, scope)
    assert reasons in (["by a call"], ["deadline exceeded"])


async def a_jump_of_the_clock() -> None:
    """A limit that was slept over by an hour still interrupts its block, and no other."""
    with move_on_after(7200) as far:
        with pytest.raises(TimeoutError):
            with fail_after(1):
                await anyio.sleep(3600)
    assert not far.cancel_called


ALL = [
    time_limits_around_work_of_the_same_length,
    limits_inside_limits,
    a_limit_and_a_call_at_the_same_time,
    a_jump_of_the_clock,
]


@backends
@pytest.mark.parametrize("scenario", ALL)
def test_it_holds_in_each_order(scenario: Scenario, backend: str) -> None:
    explore(scenario, schedules=50, backend=backend).check()


async def calls_that_are_shielded() -> None:
    """What was begun is done."""
    begun: list[int] = []
    done: list[int] = []

    async def clean_up(number: int) -> None:
        begun.append(number)
        await anyio.sleep(1)
        await anyio.lowlevel.checkpoint()
        done.append(number)

    async def work(number: int) -> None:
        try:
            await anyio.sleep(1)
        finally:
            await shield(clean_up, number)
            await anyio.lowlevel.checkpoint()  # where a cancellation that came meanwhile shows

    async with anyio.create_task_group() as tg:
        for number in range(3):
            tg.start_soon(work, number)
    assert sorted(begun) == sorted(done)


@backends
def test_a_shielded_call_is_done_wherever_a_scope_is_cancelled(backend: str) -> None:
    cancel_everywhere(calls_that_are_shielded, faults=["scope"], backend=backend, orders=3).check()


async def our_limits_and_those_of_asyncio() -> None:
    """No request to cancel is left over."""

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        try:
            async with asyncio.timeout(1):
                with move_on_after(1):
                    async with asyncio.timeout(1):
                        await anyio.sleep(1)
                await anyio.lowlevel.checkpoint()
        except TimeoutError:
            pass
        await anyio.lowlevel.checkpoint()
        assert task.cancelling() == before

    async with anyio.create_task_group() as tg:
        tg.start_soon(work)
        tg.start_soon(work)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="asyncio.timeout() leaves requests behind before 3.13")
def test_limits_of_asyncio_and_ours_at_the_same_time_leave_no_request_behind() -> None:
    explore(our_limits_and_those_of_asyncio, schedules=100).check()
