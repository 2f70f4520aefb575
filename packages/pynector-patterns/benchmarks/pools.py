"""What it costs to borrow a connection that does nothing, and to give it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count, cycle
from types import TracebackType
from typing import Any

import anyio
import asyncio_connection_pool
import trio
from harness import ASYNCIO, LOOPS, Row, Table, Timer, Work
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, PoolLimits

CONNECTIONS = 10
TIMES = 4_000
ENDS = PoolLimits(max_idle=600, max_lifetime=3600)  # as psycopg_pool has them
GROWTH_TIMES = 40_000
FEWER_TIMES = 2_000
Borrow = Callable[[], AbstractAsyncContextManager[Any]]
Pool = Callable[[int], AbstractAsyncContextManager[Borrow]]


class Connection:
    """What psycopg_pool asks of a connection; nobody else asks for anything."""

    def __init__(self) -> None:
        self.pgconn = self
        self.transaction_status = TransactionStatus.IDLE

    @classmethod
    async def connect(cls, *args: object, **kwargs: object) -> Connection:
        return cls()

    async def close(self) -> None:
        pass


@asynccontextmanager
async def ours(connections: int, **options: Any) -> AsyncIterator[Borrow]:
    async with ConnectionPool(
        max_connections=connections, connection_factory=Connection.connect, **options
    ) as pool:
        yield pool.acquire


ours_without_timeout = partial(ours, acquire_timeout=None)
ours_with_ends = partial(ours, limits=ENDS)


class Borrowed:
    """A connection from a queue, for the length of a block."""

    def __init__(self, queue: asyncio.LifoQueue[Connection]) -> None:
        self.queue = queue

    async def __aenter__(self) -> Connection:
        self.connection = await self.queue.get()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.queue.put(self.connection)


@asynccontextmanager
async def naive_queue(connections: int) -> AsyncIterator[Borrow]:
    queue: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(connections):
        queue.put_nowait(Connection())
    yield lambda: Borrowed(queue)


class ByHand:
    """A coroutine function that takes a connection, and one that gives it back."""

    def __init__(self, take: Callable[[], Awaitable[Any]], give: Callable[[Any], Awaitable[object]]) -> None:
        self.take, self.give = take, give


@asynccontextmanager
async def ours_by_hand(connections: int) -> AsyncIterator[ByHand]:
    async with ConnectionPool(max_connections=connections, connection_factory=Connection.connect) as pool:
        yield ByHand(pool.acquire, pool.release)


@asynccontextmanager
async def queue_by_hand(connections: int) -> AsyncIterator[ByHand]:
    queue: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(connections):
        queue.put_nowait(Connection())
    yield ByHand(queue.get, queue.put)


class Permitted:
    """A connection from a list, as long as a semaphore permits."""

    def __init__(self, semaphore: anyio.Semaphore, idle: list[Connection]) -> None:
        self.semaphore, self.idle = semaphore, idle

    async def __aenter__(self) -> Connection:
        await self.semaphore.acquire()
        self.connection = self.idle.pop()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.idle.append(self.connection)
        self.semaphore.release()


@asynccontextmanager
async def semaphore_and_list(connections: int) -> AsyncIterator[Borrow]:
    semaphore, idle = anyio.Semaphore(connections), [Connection() for _ in range(connections)]
    yield lambda: Permitted(semaphore, idle)


class Strategy(asyncio_connection_pool.ConnectionStrategy[Connection]):
    async def make_connection(self) -> Connection:
        return Connection()

    def connection_is_closed(self, conn: Connection) -> bool:
        return False

    async def close_connection(self, conn: Connection) -> None:
        pass


@asynccontextmanager
async def of_asyncio_connection_pool(connections: int) -> AsyncIterator[Borrow]:
    pool = asyncio_connection_pool.ConnectionPool(strategy=Strategy(), max_size=connections)
    yield pool.get_connection


@asynccontextmanager
async def of_psycopg(connections: int, **options: Any) -> AsyncIterator[Borrow]:
    pool: Any = AsyncConnectionPool(
        "", connection_class=Connection, min_size=connections, max_size=connections, open=False, **options
    )  # type: ignore[type-var]
    await pool.open(wait=True)
    yield lambda: PsycopgBlock(pool)
    await pool.close()


class PsycopgBlock:
    """`pool.connection()` without the transaction, which a connection that does nothing has not."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def __aenter__(self) -> Any:
        self.connection = await self.pool.getconn()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.pool.putconn(self.connection)


class Free:
    """Takes a connection off a list: what `async with` itself costs."""

    def __init__(self, idle: list[Connection]) -> None:
        self.idle = idle

    async def __aenter__(self) -> Connection:
        self.connection = self.idle.pop()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.idle.append(self.connection)


@asynccontextmanager
async def bare_list(connections: int) -> AsyncIterator[Borrow]:
    idle = [Connection() for _ in range(10_000)]  # enough for all: nobody waits
    yield lambda: Free(idle)


@asynccontextmanager
async def list_by_hand(connections: int) -> AsyncIterator[ByHand]:
    idle = [Connection() for _ in range(connections)]

    async def take() -> Connection:
        return idle.pop()

    async def give(connection: Connection) -> None:
        idle.append(connection)

    yield ByHand(take, give)


def alone(
    make: Pool, connections: int = CONNECTIONS, *, opened: int = 1, times: int = TIMES
) -> Callable[[], Work]:
    """One task that borrows and gives back, so many times, after so many connections were opened."""

    def prepare() -> Work:
        async def work() -> Timer:
            async with make(connections) as borrow:
                async with AsyncExitStack() as stack:
                    for _ in range(opened):
                        await stack.enter_async_context(borrow())
                with Timer() as timer:
                    for _ in range(times):
                        async with borrow():
                            pass
            return timer

        return work

    return prepare


def alone_by_hand(make: Callable[[int], AbstractAsyncContextManager[ByHand]]) -> Callable[[], Work]:
    """The same without a block."""

    def prepare() -> Work:
        async def work() -> Timer:
            async with make(CONNECTIONS) as pool:
                await pool.give(await pool.take())
                with Timer() as timer:
                    for _ in range(TIMES):
                        connection = await pool.take()
                        try:
                            pass
                        finally:
                            await pool.give(connection)
            return timer

        return work

    return prepare


def crowd(make: Pool, tasks: int, connections: int = CONNECTIONS, times: int = TIMES) -> Callable[[], Work]:
    """So many tasks, each of which holds a connection for one turn of the loop, again and again.

    They have been started, and all connections opened, before the clock is.
    """

    def prepare() -> Work:
        async def work() -> Timer:
            passing = trio.lowlevel.checkpoint if trio.lowlevel.in_trio_run() else lambda: asyncio.sleep(0)
            everyone, gate, timer = anyio.Event(), anyio.Event(), Timer()
            starting = working = tasks

            async def use() -> None:
                nonlocal starting, working
                async with borrow():
                    await passing()
                starting -= 1
                if not starting:
                    everyone.set()
                await gate.wait()
                for _ in range(times // tasks):
                    async with borrow():
                        await passing()
                working -= 1
                if not working:
                    timer.stop()

            async with make(connections) as borrow, anyio.create_task_group() as tg:
                for _ in range(tasks):
                    tg.start_soon(use)
                await everyone.wait()
                timer.start()
                gate.set()
            return timer

        return work

    return prepare


def table(title: str, how: Callable[[Pool], Callable[[], Work]], *bars: float) -> Table:
    return Table(
        title,
        TIMES,
        [
            Row("pynector ConnectionPool", how(ours), "acquire_timeout 30 s, statistics; knows each lease"),
            Row("pynector, acquire_timeout=None", how(ours_without_timeout), "the same without a time limit"),
            Row("pynector, with max_idle and max_lifetime", how(ours_with_ends), "looks at the clock"),
            Row(
                "asyncio.LifoQueue", how(naive_queue), "opens nothing, no time limit, knows no lease", ASYNCIO
            ),
            Row("anyio.Semaphore and a list", how(semaphore_and_list), "the same", LOOPS),
            Row("asyncio-connection-pool", how(of_asyncio_connection_pool), "no time limit", ASYNCIO),
            Row(
                "psycopg_pool", how(of_psycopg), "time limit 30 s, statistics; no transaction begun", ASYNCIO
            ),
            Row("limit: a list", how(bare_list), "nobody ever waits"),
        ],
        dict(zip(("asyncio.LifoQueue", "asyncio-connection-pool", "psycopg_pool"), bars, strict=True)),
    )


def growth(title: str, what: str, how: Callable[[int], Callable[[], Work]], sizes: tuple[int, ...]) -> Table:
    """The same at growing sizes."""
    bars = {f"{size:,} {what}": 1.15 for size in sizes[1:]}
    return Table(
        title,
        GROWTH_TIMES,
        [Row(f"{size:,} {what}", how(size)) for size in sizes],
        bars,
        bars,
        grows=True,
        heavy=True,
    )


@asynccontextmanager
async def ours_by_key(keys: int) -> AsyncIterator[Borrow]:
    """A connection for each key, and places for no more; borrows that of one key after the other."""
    pool = KeyedConnectionPool[int, Connection](
        max_per_key=2, max_connections=keys, connection_factory=Connection.connect
    )
    async with pool:
        which = cycle(range(keys))
        yield lambda: pool.acquire(next(which))


@asynccontextmanager
async def ours_by_new_key(keys: int) -> AsyncIterator[Borrow]:
    """The same with a new key each time, so that the connection of another is closed for it."""
    async with KeyedConnectionPool[int, Connection](
        max_per_key=2, max_connections=keys, connection_factory=Connection.connect
    ) as pool:
        which = count()
        yield lambda: pool.acquire(next(which))


def idle_growth(title: str, what: str, make: Pool) -> Table:
    """More and more connections that are idle."""
    sizes = (10, 100, 1_000, 10_000)
    bars = {f"{size:,} {what}": 1.15 for size in sizes[1:]}
    rows = [Row(f"{size:,} {what}", alone(make, size, opened=size, times=FEWER_TIMES)) for size in sizes]
    return Table(title, FEWER_TIMES, rows, bars, bars, grows=True)


def by_hand() -> Table:
    """Where no block is entered, and whoever forgets to give back has lost a connection."""
    return Table(
        "Connection pool: acquire() and release() by name, a connection is free",
        TIMES,
        [
            Row("pynector ConnectionPool", alone_by_hand(ours_by_hand), "acquire_timeout 30 s, statistics"),
            Row("asyncio.LifoQueue", alone_by_hand(queue_by_hand), "get() and put()", ASYNCIO),
            Row("limit: a list", alone_by_hand(list_by_hand), "nobody ever waits"),
        ],
    )


TABLES = [
    table("Connection pool: acquire and release, a connection is free", alone, 0.7, 0.15, 0.15),
    by_hand(),
    table("Connection pool: 100 tasks on 10 connections", lambda pool: crowd(pool, 100), 1.0, 0.55, 0.25),
    table("Connection pool: 1,000 tasks on 10 connections", lambda pool: crowd(pool, 1_000), 1.0, 0.55, 0.25),
    growth(
        "Connection pool: what a hand-over costs as more tasks wait for 10 connections",
        "tasks",
        lambda tasks: crowd(ours_without_timeout, tasks, times=GROWTH_TIMES),
        (20, 100, 1_000, 10_000),
    ),
    growth(
        "The same tasks with no pool: what their number alone costs",
        "tasks",
        lambda tasks: crowd(bare_list, tasks, times=GROWTH_TIMES),
        (20, 100, 1_000, 10_000),
    ),
    growth(
        "Connection pool: what acquire and release cost as there are more connections, twice as many tasks",
        "connections",
        lambda connections: crowd(ours_without_timeout, 2 * connections, connections, GROWTH_TIMES),
        (10, 100, 1_000, 10_000),
    ),
    idle_growth(
        "Connection pool: what the one costs that was idle longest, as there are more",
        "connections",
        partial(ours, order="fifo"),
    ),
    idle_growth("Keyed connection pool: what a lease costs as there are more keys", "keys", ours_by_key),
    idle_growth("Keyed connection pool: what a new key costs as there are more", "keys", ours_by_new_key),
]
