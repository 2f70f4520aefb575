"""A cancelled acquire has no effect, however the cancellation comes."""

import asyncio

import anyio
import pytest

from pynector.concurrency.primitives import Lock
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_cancelled_while_waiting_takes_nothing() -> None:
    lock = Lock()
    async with lock:
        async with anyio.create_task_group() as tg:
            tg.start_soon(lock.acquire)
            await wait_until_blocked()
            tg.cancel_scope.cancel()
        assert lock.statistics().tasks_waiting == 0
    assert not lock.locked()


async def test_acquire_of_a_free_lock_in_a_cancelled_scope_takes_nothing() -> None:
    lock = Lock()

    with anyio.CancelScope() as scope:
        scope.cancel()
        await lock.acquire()
    assert scope.cancelled_caught
    assert not lock.locked()


async def test_fast_acquire_of_a_free_lock_does_not_look_for_a_cancellation() -> None:
    lock = Lock(fast_acquire=True)
    await use_up_budget(lock)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await lock.acquire()
    assert lock.locked()


async def use_up_budget(lock: Lock) -> None:
    """Leave the budget just renewed."""
    while True:
        progressed = False

        async def note() -> None:
            nonlocal progressed
            progressed = True

        async with anyio.create_task_group() as tg:
            tg.start_soon(note)
            async with lock:
                if progressed:
                    return


async def test_cancelled_after_the_hand_over_it_owns_the_lock() -> None:
    """A scope that is cancelled between hand-over and waking comes too late: acquire returns."""

    async def acquire() -> None:
        with scope:
            await lock.acquire()
            owned.append(lock.locked())
            lock.release()
            await anyio.lowlevel.checkpoint()
            raise AssertionError("the cancellation must show here")

    lock, scope, owned = Lock(), anyio.CancelScope(), list[bool]()
    async with anyio.create_task_group() as tg:
        async with lock:
            tg.start_soon(acquire)
            await wait_until_blocked()
        scope.cancel()
    assert owned == [True]
    assert not lock.locked()


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_the_grant_passes_it_on() -> None:
    lock = Lock()
    await lock.acquire()
    first, second = (asyncio.ensure_future(lock.acquire()) for _ in range(2))
    await asyncio.sleep(0)

    lock.release()
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert not second.cancelled()
    assert lock._lock.owner is second


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_the_grant_with_nobody_else_leaves_it_free() -> None:
    lock = Lock()
    await lock.acquire()
    waiter = asyncio.ensure_future(lock.acquire())
    await asyncio.sleep(0)

    lock.release()
    waiter.cancel()
    await asyncio.wait([waiter])
    assert not lock.locked()


@pytest.mark.on("asyncio")
async def test_natively_cancelled_at_the_checkpoint_of_a_free_lock_hands_it_on() -> None:
    lock = Lock()
    first, second = (asyncio.ensure_future(lock.acquire()) for _ in range(2))
    if not lock.locked():  # eager tasks have begun
        await asyncio.sleep(0)
    assert lock._lock.owner is first

    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert lock._lock.owner is second


@pytest.mark.on("asyncio")
async def test_cancelled_waiters_are_skipped_even_before_they_have_run() -> None:
    lock = Lock()
    await lock.acquire()
    waiters = [asyncio.ensure_future(lock.acquire()) for _ in range(3)]
    await asyncio.sleep(0)

    waiters[0].cancel()
    waiters[1].cancel()
    lock.release()
    assert lock._lock.owner is waiters[2]
    await asyncio.wait(waiters)


@pytest.mark.on("asyncio")
async def test_asyncio_timeout_works_as_a_scope_does() -> None:
    lock = Lock()
    async with lock:
        waiter = asyncio.ensure_future(asyncio.wait_for(lock.acquire(), 0.001))
        with pytest.raises(TimeoutError):
            await waiter
    assert not lock.locked()


@pytest.mark.on("asyncio")
async def test_a_coroutine_that_is_closed_while_it_waits_leaves_the_queue() -> None:
    async def someone_else(coroutine: object) -> None:
        coroutine.send(None)  # type: ignore[attr-defined]  # up to where it waits
        coroutine.close()  # type: ignore[attr-defined]

    lock = Lock()
    await lock.acquire()

    await asyncio.ensure_future(someone_else(lock.acquire()))
    assert lock.statistics().tasks_waiting == 0
    lock.release()
    assert not lock.locked()
