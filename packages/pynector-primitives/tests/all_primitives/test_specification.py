"""The specification's tests of primitives, under its names."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.asyncio


class Crowd:
    """Tasks that want into the same place, and how many were in it at once."""

    def __init__(self, place: AbstractAsyncContextManager[Any]) -> None:
        self.place = place
        self.inside = 0
        self.most = 0
        self.log: list[str] = []

    async def visit(self, number: int) -> None:
        async with self.place:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.log.append(f"start-{number}")
            await anyio.sleep(0.001)
            self.log.append(f"end-{number}")
            self.inside -= 1


async def visit_all(place: AbstractAsyncContextManager[Any]) -> Crowd:
    crowd = Crowd(place)
    async with create_task_group() as tg:
        for number in range(5):
            await tg.start_soon(crowd.visit, number)
    return crowd


async def test_lock_basic() -> None:
    lock = Lock()

    await lock.acquire()
    assert lock._lock._owner is not None
    lock.release()
    assert lock._lock._owner is None

    async with lock:
        assert lock._lock._owner is not None
    assert lock._lock._owner is None


async def test_lock_contention() -> None:
    async def increment(number: int, delay: float) -> None:
        nonlocal counter
        await anyio.sleep(delay)
        async with lock:
            seen = counter
            await anyio.sleep(0.001)
            counter = seen + 1
            done.append(number)

    lock = Lock()
    counter = 0
    done: list[int] = []
    async with create_task_group() as tg:
        for number in (3, 2, 1):
            await tg.start_soon(increment, number, number / 1000)

    assert counter == 3
    assert sorted(done) == [1, 2, 3]


async def test_semaphore_basic() -> None:
    semaphore = Semaphore(2)

    await semaphore.acquire()
    await semaphore.acquire()
    assert semaphore.value == 0
    semaphore.release()
    semaphore.release()

    async with semaphore:
        async with semaphore:
            assert semaphore.value == 0
        assert semaphore.value == 1
    assert semaphore.value == 2


async def test_semaphore_contention() -> None:
    crowd = await visit_all(Semaphore(2))

    assert crowd.most == 2
    assert len(crowd.log) == 10


async def test_capacity_limiter_basic() -> None:
    limiter = CapacityLimiter(2)
    assert (limiter.total_tokens, limiter.borrowed_tokens, limiter.available_tokens) == (2, 0, 2)

    await limiter.acquire()
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (1, 1)
    await limiter.acquire()
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (2, 0)
    limiter.release()
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (1, 1)
    limiter.release()
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (0, 2)

    async with limiter:
        assert limiter.borrowed_tokens == 1
    assert limiter.borrowed_tokens == 0


async def test_capacity_limiter_contention() -> None:
    crowd = await visit_all(CapacityLimiter(2))

    assert crowd.most == 2
    assert len(crowd.log) == 10


async def test_event_basic() -> None:
    event = Event()
    assert not event.is_set()

    event.set()

    assert event.is_set()
    await event.wait()


async def test_event_wait() -> None:
    async def wait(number: int) -> None:
        log.append(f"waiting-{number}")
        await event.wait()
        log.append(f"done-{number}")

    event = Event()
    log: list[str] = []
    async with create_task_group() as tg:
        await tg.start_soon(wait, 1)
        await tg.start_soon(wait, 2)
        await wait_until_blocked()
        assert log == ["waiting-1", "waiting-2"]
        event.set()

    assert sorted(log[2:]) == ["done-1", "done-2"]


async def test_condition_basic() -> None:
    condition = Condition()

    async with condition:
        assert condition.locked()
    assert not condition.locked()


async def test_condition_wait_notify() -> None:
    async def wait(number: int) -> None:
        async with condition:
            log.append(f"waiting-{number}")
            await condition.wait()
            log.append(f"notified-{number}")

    async def notify() -> None:
        await wait_until_blocked()
        async with condition:
            log.append("notify")
            await condition.notify()
        await wait_until_blocked()
        async with condition:
            log.append("notify all")
            await condition.notify_all()

    condition = Condition()
    log: list[str] = []
    async with create_task_group() as tg:
        for number in (1, 2, 3):
            await tg.start_soon(wait, number)
        await tg.start_soon(notify)

    assert log[:5] == ["waiting-1", "waiting-2", "waiting-3", "notify", "notified-1"]
    assert log[5:] == ["notify all", "notified-2", "notified-3"]
