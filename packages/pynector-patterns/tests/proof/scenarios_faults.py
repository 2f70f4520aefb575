"""Scenarios that bring their fault along; each counts in `FIRED` that it really happened."""

import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio

from pynector.concurrency.patterns import ConnectionPool, PoolFactoryError, PoolTimeoutError
from pynector.concurrency.primitives import CapacityLimiter, Event, Lock, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint

FIRED: Counter[str] = Counter()
EPSILON = 1e-6
HOUR = 3600.0


class Connection:
    """Hangs or fails when it is closed, as it is told to."""

    def __init__(self, closing: str = "") -> None:
        self.closing = closing

    async def close(self) -> None:
        if self.closing:
            FIRED[f"close {self.closing}"] += 1
        if self.closing == "hangs":
            await anyio.sleep(HOUR)
        if self.closing == "raises":
            raise OSError("as the test wants it")


async def apart(func: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func, *args)


async def connect() -> Connection:
    await checkpoint()
    return Connection()


async def deadline_meets_the_hand_over() -> None:
    for late in (-EPSILON, 0.0, EPSILON, HOUR):
        lock, outcomes = Lock(), list[str]()

        began = anyio.current_time()  # making and taking the lock takes no time

        async def user(
            lock: Lock = lock, outcomes: list[str] = outcomes, deadline: float = began + 1 + late
        ) -> None:
            got = False
            with anyio.CancelScope(deadline=deadline) as scope:
                await lock.acquire()
                got = True
            assert got != scope.cancelled_caught, "both the lock and a time-out, or neither"
            outcomes.append("lock" if got else "time-out")
            if got:
                lock.release()

        await lock.acquire()
        async with create_task_group() as tg:
            tg.start_soon(apart, user)
            try:
                await anyio.sleep(1)
            finally:
                lock.release()
        FIRED.update(f"deadline {outcome}" for outcome in outcomes)
        assert not lock.locked()


async def acquire_timeout_meets_the_hand_over() -> None:
    for late in (-EPSILON, 0.0, EPSILON):
        pool = ConnectionPool(
            max_connections=1, connection_factory=connect, acquire_timeout=1 + late, close_timeout=1
        )

        async def user(pool: ConnectionPool[Connection] = pool) -> None:
            try:
                connection = await pool.acquire()
            except PoolTimeoutError:
                FIRED["acquire_timeout"] += 1
            else:
                FIRED["acquire in time"] += 1
                await pool.release(connection)

        async with pool:
            connection = await pool.acquire()
            async with create_task_group() as tg:
                tg.start_soon(apart, user)
                try:
                    await anyio.sleep(1)
                finally:
                    await pool.release(connection)
            await pool.release(await pool.acquire())
            assert pool.statistics().lent == 0


async def begins_or_not() -> None:
    """A task that is cancelled before its first step has taken nothing, and is in nobody's way."""
    lock, began = Lock(), 0

    async def user() -> None:
        nonlocal began
        await checkpoint()
        began += 1
        async with lock:
            await checkpoint()

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(user)
    FIRED["never began"] += began < 3
    async with lock:
        pass


async def factory_is_slow_and_fails() -> None:
    calls = 0

    async def connect() -> Connection:
        nonlocal calls
        calls += 1
        await anyio.sleep(1)
        if calls == 1:
            FIRED["factory raises"] += 1
            raise OSError("as the test wants it")
        return Connection()

    async def user() -> None:
        with suppress(OSError, PoolFactoryError):
            async with pool.acquire():
                await checkpoint()

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        async with create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(apart, user)
        calls = max(calls, 1)
        await pool.release(await pool.acquire())
        assert pool.statistics().open == 1


async def resized_while_tasks_wait() -> None:
    limiter = CapacityLimiter(1)
    pool = ConnectionPool(max_connections=1, connection_factory=connect)

    async def user() -> None:
        async with limiter, pool.acquire():
            await anyio.sleep(1)

    async def resizer() -> None:
        for total in 2, 1:
            await anyio.sleep(0.5)
            FIRED["resized"] += limiter.statistics().tasks_waiting > 0
            borrowed = limiter.borrowed_tokens
            limiter.total_tokens = total
            assert limiter.borrowed_tokens <= max(borrowed, total)
            await pool.resize(total)
            assert pool.statistics().lent <= 2

    async with create_task_group() as tg:
        for start in user, user, resizer:
            tg.start_soon(apart, start)
    assert (limiter.borrowed_tokens, pool.statistics().lent) == (0, 0)
    await pool.close()


async def closing_hangs_or_raises() -> None:
    for closing in "hangs", "raises":

        async def connect(closing: str = closing) -> Connection:
            await checkpoint()
            return Connection(closing)

        pool = ConnectionPool(max_connections=1, connection_factory=connect, close_timeout=1)

        async def user(pool: ConnectionPool[Connection] = pool) -> None:
            async with pool.acquire() as connection:
                await pool.discard(connection)

        async with create_task_group() as tg:
            tg.start_soon(apart, user)
        await pool.release(await pool.acquire())
        began = anyio.current_time()
        await pool.close()
        assert anyio.current_time() - began <= 1 + EPSILON, "close() takes longer than it may"
        assert pool.statistics().open == 0


async def another_thread_is_refused() -> None:
    event, places = Event(), Semaphore(0)
    refused: list[str] = []

    def intrude() -> None:
        for call in event.set, places.release:
            try:
                call()
            except RuntimeError as error:
                refused.append(str(error))

    async def user(wait: Any) -> None:
        with anyio.move_on_after(2):
            await wait()

    async with create_task_group() as tg:
        for wait in event.wait, places.acquire:
            tg.start_soon(apart, user, wait)
        await anyio.sleep(1)
        if event.statistics().tasks_waiting and places.statistics().tasks_waiting:
            thread = threading.Thread(target=intrude, name="intruder")
            thread.start()
            thread.join()
            assert refused, "nothing was refused"
            assert all("intruder" in text and "MainThread" in text for text in refused), refused
            FIRED["foreign thread"] += len(refused)


async def misuse_changes_nothing() -> None:
    lock, limiter, places = Lock(), CapacityLimiter(1), Semaphore(1, max_value=1)

    async def user() -> None:
        async with lock:
            for misuse in (lock.acquire_nowait, lambda: limiter.release_on_behalf_of("nobody")):
                with suppress(RuntimeError):
                    misuse()
                    raise AssertionError("not refused")
                FIRED["misuse"] += 1
            await checkpoint()
            with suppress(ValueError):
                places.release()
                raise AssertionError("not refused")
        with suppress(RuntimeError):
            lock.release()
            raise AssertionError("not refused")

    async with create_task_group() as tg:
        tg.start_soon(apart, user)
        tg.start_soon(apart, user)
    assert (lock.locked(), limiter.borrowed_tokens, places.value) == (False, 0, 1)


SCENARIOS = (
    deadline_meets_the_hand_over,
    acquire_timeout_meets_the_hand_over,
    begins_or_not,
    factory_is_slow_and_fails,
    resized_while_tasks_wait,
    closing_hangs_or_raises,
    another_thread_is_refused,
    misuse_changes_nothing,
)
