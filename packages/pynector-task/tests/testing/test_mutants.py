"""The tester is tested: a small pool, right and with one planted fault at a time, on both backends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import Report, cancel_everywhere, explore, invariant

BACKENDS = ["asyncio", "trio"]


class Connection:
    def __init__(self) -> None:
        self.users = 0

    async def query(self) -> None:
        self.users += 1
        assert self.users == 1, "two users of one connection"
        await checkpoint()
        self.users -= 1


class Pool:
    """At most *size* connections; who finds none free waits, and is handed one over."""

    def __init__(self, size: int, fault: str = "") -> None:
        self.size = size
        self.fault = fault
        self.open = 0
        self.free: list[Connection] = []
        self.waiting: deque[tuple[anyio.Event, list[Connection | None]]] = deque()

    async def connect(self) -> Connection:
        await checkpoint()
        if self.fault == "coroutine not awaited":
            checkpoint()  # type: ignore[unused-coroutine]
        return Connection()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        connection = await self.acquire()
        broken = True
        try:
            yield connection
            broken = False
        finally:
            if self.fault == "unshielded await in release":
                await checkpoint()
            if not broken:
                self.release(connection)
            elif self.fault != "dropped on the error path":
                self.discard()

    async def acquire(self) -> Connection:
        if self.free and not self.waiting:
            connection = self.free[-1] if self.fault == "two users" else self.free.pop()
            await checkpoint() if self.fault == "two users" else None
            return connection
        if self.open < self.size:
            return await self.create()
        return await self.wait()

    async def create(self) -> Connection:
        if self.fault == "check, await, then count":
            connection = await self.connect()
            self.open += 1
            return connection
        self.open += 1
        try:
            return await self.connect()
        except Exception:
            self.discard()
            raise
        except BaseException:
            if self.fault != "except Exception":
                self.discard()
            raise

    async def wait(self) -> Connection:
        event, box = waiter = (anyio.Event(), list[Connection | None]())
        self.waiting.append(waiter)
        try:
            await event.wait()
            await checkpoint()
        except BaseException:
            if waiter in self.waiting:
                self.waiting.remove(waiter)
            elif self.fault != "lost after the hand-over":
                self.give_back(box[0])
            if self.fault == "cancellation swallowed":
                return Connection()
            raise
        given = box[0]
        if given is not None:
            return given
        self.open -= 1
        return await self.create()

    def give_back(self, given: Connection | None) -> None:
        if given is not None:
            self.release(given)
        else:
            self.discard()

    def release(self, connection: Connection) -> None:
        if self.waiting and self.fault != "waiter not woken":
            event, box = self.waiting.popleft()
            box.append(connection)
            event.set()
        else:
            self.free.append(connection)

    def discard(self) -> None:
        """A slot is free; a waiter gets it, and connects for itself."""
        if self.waiting:
            event, box = self.waiting.popleft()
            box.append(None)
            event.set()
        else:
            self.open -= 1


async def uses_a_pool(fault: str = "") -> None:
    pool = Pool(2, fault)
    invariant(lambda: 0 <= pool.open <= pool.size)

    async def user() -> None:
        async with pool.connection() as connection:
            await connection.query()

    async with anyio.create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(user)
    with anyio.fail_after(1):
        async with pool.connection(), pool.connection():
            pass
    assert pool.open - len(pool.free) == 0


async def crosses_locks(fault: str = "") -> None:
    locks = [anyio.Lock(), anyio.Lock()]

    async def take(first: int, second: int) -> None:
        async with locks[first]:
            await checkpoint()
            async with locks[second]:
                await checkpoint()

    async with anyio.create_task_group() as tg:
        tg.start_soon(take, 0, 1)
        tg.start_soon(take, *((1, 0) if fault == "deadlock" else (0, 1)))


async def waits_for_a_flag(fault: str = "") -> None:
    ready = False

    async def set_flag() -> None:
        nonlocal ready
        await checkpoint()
        ready = fault != "livelock"

    async def wait_for_flag() -> None:
        while not ready:  # noqa: ASYNC110
            await anyio.sleep(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(set_flag)
        tg.start_soon(wait_for_flag)


async def starts_a_worker(fault: str = "") -> None:
    """A service whose worker is stopped, or is forgotten."""

    async def work() -> None:
        await anyio.Event().wait()

    if trio.lowlevel.in_trio_run():
        scope = trio.CancelScope()

        async def guarded() -> None:
            with scope:
                await work()

        trio.lowlevel.spawn_system_task(guarded)
        stop = scope.cancel
    else:
        stop = asyncio.create_task(work()).cancel  # type: ignore[assignment]
    await checkpoint()
    if fault != "leaked task":
        stop()
        await checkpoint()


FAULTS = [
    (uses_a_pool, "lost after the hand-over"),
    (uses_a_pool, "except Exception"),
    (uses_a_pool, "unshielded await in release"),
    (uses_a_pool, "check, await, then count"),
    (uses_a_pool, "dropped on the error path"),
    (uses_a_pool, "two users"),
    (uses_a_pool, "cancellation swallowed"),
    (uses_a_pool, "waiter not woken"),
    (uses_a_pool, "coroutine not awaited"),
    (crosses_locks, "deadlock"),
    (waits_for_a_flag, "livelock"),
    (starts_a_worker, "leaked task"),
]


def search(scenario: partial[object], backend: str) -> Report:
    """Look for a fault as a user would: orders first, then cancellations."""
    report = explore(scenario, schedules=300, backend=backend, max_steps=1000, max_failures=3)  # type: ignore[arg-type]
    if report.ok and scenario.func in {uses_a_pool, crosses_locks}:
        cancelled = cancel_everywhere(scenario, backend=backend, max_steps=1000, max_failures=3)  # type: ignore[arg-type]
        cancelled.schedules += report.schedules
        return cancelled
    return report


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "scenario", sorted({scenario for scenario, _ in FAULTS}, key=lambda each: each.__name__)
)
def test_the_right_version_is_clean(scenario: object, backend: str) -> None:
    search(partial(scenario), backend).check()  # type: ignore[call-overload]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("scenario", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_a_planted_fault_is_found_within_1000_schedules(scenario: object, fault: str, backend: str) -> None:
    report = search(partial(scenario, fault), backend)  # type: ignore[call-overload]

    assert report.failures
    assert report.schedules <= 1000
    assert all(failure.repeatable for failure in report.failures)
