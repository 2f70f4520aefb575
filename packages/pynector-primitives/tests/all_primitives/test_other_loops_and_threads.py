"""Each object belongs to the event loop in which a task first waited for it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import (
    CapacityLimiter,
    Condition,
    Event,
    Lock,
    PriorityQueue,
    Queue,
    Semaphore,
)
from pynector.concurrency.testing import wait_until_blocked

Use = Callable[[], Any]


class Case:
    """A way to use an object: make it, wait for it, let the waiter go, and use it from elsewhere."""

    def __init__(
        self,
        make: Callable[[], Any],
        wait: str,
        wake: Callable[[Any], object],
        uses: dict[str, Callable[[Any], Any]],
    ) -> None:
        self.make, self.wait, self.wake, self.uses = make, wait, wake, uses

    async def settle(self) -> Any:
        """Make an object that belongs to the event loop that runs here."""
        thing = self.make()
        async with anyio.create_task_group() as tg:
            tg.start_soon(getattr(thing, self.wait))
            await wait_until_blocked()
            self.wake(thing)
        return thing


def state_of(thing: Any) -> tuple[str, object]:
    return repr(thing), thing.statistics()


def fill(queue: Queue[int]) -> None:
    for item in range(3):
        queue.put_nowait(item)


QUEUE_USES: dict[str, Callable[[Queue[int]], Any]] = {
    "put": lambda queue: queue.put(4),
    "put_nowait": lambda queue: queue.put_nowait(4),
    "get": lambda queue: queue.get(),
    "get_nowait": lambda queue: queue.get_nowait(),
    "take": lambda queue: queue.take().__aenter__(),
    "take_nowait": lambda queue: queue.take_nowait().__enter__(),
    "join": lambda queue: queue.join(),
    "close": lambda queue: queue.close(),
    "shutdown": lambda queue: queue.shutdown(),
}


def raise_total(limiter: CapacityLimiter) -> None:
    limiter.total_tokens += 1


CASES = {
    "Semaphore": Case(
        lambda: Semaphore(0),
        "acquire",
        lambda semaphore: semaphore.release() or semaphore.release(),
        {
            "acquire": lambda semaphore: semaphore.acquire(),
            "acquire_nowait": lambda semaphore: semaphore.acquire_nowait(),
            "release": lambda semaphore: semaphore.release(),
        },
    ),
    "CapacityLimiter": Case(
        lambda: CapacityLimiter(0),
        "acquire",
        lambda limiter: raise_total(limiter) or raise_total(limiter),
        {
            "acquire": lambda limiter: limiter.acquire(),
            "acquire_on_behalf_of": lambda limiter: limiter.acquire_on_behalf_of("b"),
            "acquire_nowait": lambda limiter: limiter.acquire_nowait(),
            "acquire_on_behalf_of_nowait": lambda limiter: limiter.acquire_on_behalf_of_nowait("b"),
            "release": lambda limiter: limiter.release(),
            "release_on_behalf_of": lambda limiter: limiter.release_on_behalf_of("b"),
            "total_tokens": raise_total,
        },
    ),
    "Event": Case(
        Event,
        "wait",
        lambda event: event.set(),
        {"wait": lambda event: event.wait(), "set": lambda event: event.set()},
    ),
    "Queue": Case(Queue[int], "get", fill, QUEUE_USES),
    "PriorityQueue": Case(PriorityQueue[int], "get", fill, QUEUE_USES),
    "fast Queue": Case(lambda: Queue[int](fast_acquire=True), "get", fill, QUEUE_USES),
    "fast CapacityLimiter": Case(
        lambda: CapacityLimiter(0, fast_acquire=True),
        "acquire",
        lambda limiter: raise_total(limiter) or raise_total(limiter),
        {"acquire_on_behalf_of": lambda limiter: limiter.acquire_on_behalf_of("b")},
    ),
}
USES = [(name, use) for name, case in CASES.items() for use in case.uses]


async def call(use: Callable[[Any], Any], thing: Any) -> str:
    """Use *thing* from the event loop that runs here, and give the refusal."""
    with pytest.raises(RuntimeError) as caught:
        result = use(thing)
        if result is not None:
            await result
    return str(caught.value)


@pytest.mark.parametrize(("name", "use"), USES)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_use_in_another_thread_is_refused_and_changes_nothing(backend: str, name: str, use: str) -> None:
    async def main() -> str:
        thing = await CASES[name].settle()
        before = state_of(thing)
        elsewhere = lambda: anyio.run(call, CASES[name].uses[use], thing, backend=backend)  # noqa: E731
        refusal = await anyio.to_thread.run_sync(elsewhere)
        assert state_of(thing) == before
        return refusal

    refusal = anyio.run(main, backend=backend)

    home = threading.current_thread().name
    assert refusal.startswith(f"{name.removeprefix('fast ')}: ")
    assert f"it belongs to the event loop of thread {home!r}; use anyio.from_thread" in refusal


@pytest.mark.parametrize(("name", "use"), USES)
@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_use_in_another_event_loop_is_refused(first: str, second: str, name: str, use: str) -> None:
    thing = anyio.run(CASES[name].settle, backend=first)

    refusal = anyio.run(call, CASES[name].uses[use], thing, backend=second)

    name = name.removeprefix("fast ")
    assert refusal.startswith(f"{name}: ")
    assert "in another event loop than the one it first waited in" in refusal
    assert f"make a new {name} for each event loop" in refusal


@pytest.mark.parametrize("block", ["take", "take_nowait"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_item_of_a_queue_is_not_done_in_another_thread(backend: str, block: str) -> None:
    def leave(item: Any) -> Any:
        return item.__exit__(None, None, None) if block == "take_nowait" else item.__aexit__(None, None, None)

    async def main() -> None:
        queue: Queue[int] = await CASES["Queue"].settle()
        async with queue.take() as first:
            with queue.take_nowait() as second:
                item: Any = queue.take() if block == "take" else queue.take_nowait()
                queue.put_nowait(first + second)
                await item.__aenter__() if block == "take" else item.__enter__()
                before = state_of(queue)
                refusal = await anyio.to_thread.run_sync(
                    lambda: anyio.run(call, leave, item, backend=backend)
                )
                assert refusal.startswith("Queue: leaving the block of an item in thread ")
                assert state_of(queue) == before
                await leave(item) if block == "take" else leave(item)
        await queue.join()

    anyio.run(main, backend=backend)


async def settled_lock() -> Lock:
    lock = Lock()

    async def use() -> None:
        async with lock:
            pass

    async with anyio.create_task_group() as tg:
        async with lock:
            tg.start_soon(use)
            await wait_until_blocked()
    return lock


LOCK_USES: dict[str, Callable[[Lock], Any]] = {
    "acquire": lambda lock: lock.acquire(),
    "acquire_nowait": lambda lock: lock.acquire_nowait(),
    "release": lambda lock: lock.release(),
}


@pytest.mark.parametrize("use", LOCK_USES)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_use_of_a_lock_in_another_thread_is_refused(backend: str, use: str) -> None:
    async def main() -> str:
        lock = await settled_lock()
        return await anyio.to_thread.run_sync(lambda: anyio.run(call, LOCK_USES[use], lock, backend=backend))

    assert anyio.run(main, backend=backend).startswith(f"Lock: {use.removesuffix('_nowait')} in thread ")


@pytest.mark.parametrize("use", LOCK_USES)
@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_use_of_a_lock_in_another_event_loop_is_refused(first: str, second: str, use: str) -> None:
    lock = anyio.run(settled_lock, backend=first)

    assert "in another event loop" in anyio.run(call, LOCK_USES[use], lock, backend=second)


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_a_lock_that_is_held_in_another_thread_is_not_waited_for(first: str, second: str) -> None:
    async def main() -> str:
        async with lock:
            return await anyio.to_thread.run_sync(
                lambda: anyio.run(call, lambda lock: lock.acquire(), lock, backend=second)
            )

    lock = Lock()
    assert anyio.run(main, backend=first).endswith("belongs to another event loop or thread than this one")
    assert not lock.locked()


def test_a_lock_that_is_held_in_a_loop_that_stopped_is_not_waited_for() -> None:
    async def hold() -> None:
        await lock.acquire()
        await asyncio.sleep(3600)

    lock, loop = Lock(), asyncio.new_event_loop()
    holder = loop.create_task(hold())
    while not lock.locked():
        loop.run_until_complete(asyncio.sleep(0))

    refusal = anyio.run(call, lambda lock: lock.acquire(), lock)
    assert refusal.endswith("belongs to another event loop or thread than this one")
    holder.cancel()
    loop.run_until_complete(asyncio.wait([holder]))
    loop.close()


async def settled_condition() -> Condition:
    condition = Condition()

    async def wait() -> None:
        async with condition:
            await condition.wait()

    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        tg.cancel_scope.cancel()  # so nobody has waited for the lock
    return condition


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_a_condition_in_another_event_loop_is_refused_with_its_lock(first: str, second: str) -> None:
    condition = anyio.run(settled_condition, backend=first)
    assert "Lock: " in anyio.run(call, lambda condition: condition.acquire(), condition, backend=second)
    assert not condition.locked()


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_an_object_that_nobody_waited_for_may_move_to_another_event_loop(first: str, second: str) -> None:
    async def use() -> None:
        async with lock, semaphore, limiter, condition:
            event.set()
        await event.wait()

    lock, semaphore, limiter, condition = Lock(), Semaphore(1), CapacityLimiter(1), Condition()
    event = Event()
    for backend in (first, second):
        anyio.run(use, backend=backend)


def test_the_coroutine_belongs_to_the_loop_that_runs_it_not_to_the_one_that_made_it() -> None:
    async def main() -> None:
        made_here = [semaphore.acquire(), event.wait(), lock.acquire()]
        semaphore.release()
        event.set()
        await anyio.to_thread.run_sync(lambda: [asyncio.run(coroutine) for coroutine in made_here])

    semaphore, event, lock = Semaphore(0), Event(), Lock()
    asyncio.run(main())
    assert semaphore.value == 0


@pytest.mark.parametrize("make", [Lock, lambda: Semaphore(1), lambda: CapacityLimiter(1), Condition])
def test_outside_an_event_loop_there_is_no_task_to_acquire_for(make: Callable[[], Any]) -> None:
    thing = make()
    if isinstance(thing, Semaphore):
        thing.acquire_nowait()  # which knows no owner
        thing.release()
        return
    with pytest.raises(anyio.NoEventLoopError, match="no task is running here"):
        thing.acquire_nowait()
    with pytest.raises(anyio.NoEventLoopError, match="no task is running here"):
        thing.release()
