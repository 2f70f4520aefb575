"""Trio as a guest of an asyncio loop: objects work on either side."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio.lowlevel
import trio.testing

from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Semaphore


async def run_guest(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run *main* in trio, on top of the asyncio loop that runs here."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    trio.lowlevel.start_guest_run(
        main,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=lambda outcome: done.set_result(outcome),
    )
    return (await done).unwrap()


@pytest.mark.parametrize("fast", [False, True])
def test_a_guest_owns_what_it_acquires(fast: bool) -> None:
    async def guest() -> None:
        things = [
            Lock(fast_acquire=fast),
            Semaphore(1, fast_acquire=fast),
            CapacityLimiter(1, fast_acquire=fast),
            Condition(),
        ]
        for thing in things:
            async with thing, trio.open_nursery() as nursery:
                nursery.start_soon(wait_and_take, thing)
                await trio.testing.wait_all_tasks_blocked()
                thing.release()
                await trio.testing.wait_all_tasks_blocked()
                await thing.acquire()
        assert isinstance(things[0], Lock)

    async def wait_and_take(thing: Any) -> None:
        async with thing:
            pass

    asyncio.run(run_guest(guest))


def test_a_guest_that_holds_nothing_cannot_release_a_free_lock() -> None:
    async def guest() -> None:
        with pytest.raises(RuntimeError, match="not holding this lock"):
            Lock().release()

    asyncio.run(run_guest(guest))


def test_the_host_may_set_an_event_that_the_guest_waits_for() -> None:
    async def guest() -> None:
        await event.wait()

    async def main() -> None:
        run = asyncio.create_task(run_guest(guest))
        while not event.statistics().tasks_waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        event.set()
        await run

    event = Event()
    asyncio.run(main())


@pytest.mark.parametrize("guest_first", [False, True])
def test_host_and_guest_may_share_a_lock_as_long_as_only_one_side_waits(guest_first: bool) -> None:
    async def guest() -> None:
        async with lock:
            order.append("guest")
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        if guest_first:
            run = asyncio.create_task(run_guest(guest))
            while not lock.locked():  # noqa: ASYNC110
                await asyncio.sleep(0)
        await lock.acquire()
        order.append("host")
        if not guest_first:
            run = asyncio.create_task(run_guest(guest))
            while not lock.statistics().tasks_waiting:  # noqa: ASYNC110
                await asyncio.sleep(0)
        lock.release()
        await run

    lock, order = Lock(), list[str]()
    asyncio.run(main())
    assert order == (["guest", "host"] if guest_first else ["host", "guest"])
    assert not lock.locked()
