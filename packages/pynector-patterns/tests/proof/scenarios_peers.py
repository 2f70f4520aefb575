"""One scenario for each kind of object, and the libraries' objects that it is run with, ours among them.

The scenarios know nothing of whose object it is. Each task is a task of asyncio of its own, so that a
cancellation strikes one and no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

Scenario = Callable[[], Coroutine[Any, Any, None]]
SIZE = 2


class Connection:
    """Knows whether two use it at once."""

    def __init__(self) -> None:
        self.users = 0
        self.closed = False

    async def ask(self) -> None:
        assert not self.closed, "a closed connection was lent"
        self.users += 1
        assert self.users == 1, "two users of one connection"
        try:
            await asyncio.sleep(1)
        finally:
            self.users -= 1

    async def close(self) -> None:
        self.closed = True


async def connect() -> Connection:
    await asyncio.sleep(0)
    return Connection()


async def together(*users: Callable[[], Coroutine[Any, Any, None]], patience: float | None = None) -> None:
    """Run them to their ends, or cancel them after so many seconds; raise what is no cancellation."""
    tasks = [asyncio.create_task(user(), name="user") for user in users]
    _, late = await asyncio.wait(tasks, timeout=patience)
    for task in late:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def in_time(had: Awaitable[object], what: str) -> None:
    """Refuse to wait for a minute for what should be free."""
    try:
        await asyncio.wait_for(had, 60)
    except TimeoutError:
        raise AssertionError(f"{what} is lost for good") from None


async def share_a_pool(lend: Callable[[], AbstractAsyncContextManager[Connection]]) -> None:
    """Four users share two connections; afterwards two can be had."""

    async def user() -> None:
        async with lend() as connection:
            await connection.ask()

    await together(user, user, user, user)
    async with AsyncExitStack() as stack:
        for _ in range(SIZE):
            await in_time(stack.enter_async_context(lend()), "a connection")


async def share_a_place(place: Any) -> None:
    """One has the place and one waits; another arrives as the first leaves. Afterwards it can be had."""
    inside = 0

    async def bystander() -> None:
        await asyncio.sleep(1)  # so that there is a step between the clock's tick and what follows

    async def user() -> None:
        nonlocal inside
        async with place:
            inside += 1
            assert inside == 1, "two inside, one allowed"
            try:
                await asyncio.sleep(1)
            finally:
                inside -= 1

    async def late() -> None:
        for _ in range(2):
            await asyncio.sleep(0.5)
        await user()

    await together(bystander, user, user, late)
    await in_time(user(), "the place")


async def be_notified(condition: Any) -> None:
    """Two wait, one is notified: where one of them is cancelled, the other gets it."""
    waiting = woken = 0

    async def user() -> None:
        nonlocal waiting, woken
        async with condition:
            waiting += 1
            try:
                await condition.wait()
                woken += 1
            finally:
                waiting -= 1

    users = asyncio.create_task(together(user, user, patience=60), name="together")
    await asyncio.sleep(1)
    async with condition:
        condition.notify()
    await asyncio.sleep(1)
    assert woken or not waiting, "the notification is lost"
    await users


async def hand_over(put: Callable[[int], Any], get: Callable[[], Any], left: Callable[[], list[int]]) -> None:
    """Two put, two get; what arrives is what put() has reported as put."""
    reported, arrived = list[int](), list[int]()

    def producer(item: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def user() -> None:
            await put(item)
            reported.append(item)

        return user

    async def user() -> None:
        arrived.append(await get())

    await together(producer(1), producer(2), user, user, patience=60)
    assert sorted(arrived + left()) == sorted(reported), f"put {reported}, got {arrived}"


async def our_pool() -> None:
    from pynector.concurrency.patterns import ConnectionPool

    async with ConnectionPool(max_connections=SIZE, connection_factory=connect) as pool:
        await share_a_pool(pool.acquire)


async def asyncio_connection_pool() -> None:
    from asyncio_connection_pool import ConnectionPool, ConnectionStrategy

    class Strategy(ConnectionStrategy[Connection]):
        make_connection = staticmethod(connect)

        def connection_is_closed(self, conn: Connection) -> bool:
            return conn.closed

        async def close_connection(self, conn: Connection) -> None:
            await conn.close()

    pool = ConnectionPool(strategy=Strategy(), max_size=SIZE)
    await share_a_pool(pool.get_connection)


async def generic_connection_pool() -> None:
    from generic_connection_pool.asyncio import BaseConnectionManager, ConnectionPool

    class Manager(BaseConnectionManager[str, Connection]):
        async def create(self, endpoint: str) -> Connection:
            return await connect()

        async def dispose(self, endpoint: str, conn: Connection) -> None:
            await conn.close()

    pool = ConnectionPool(Manager(), min_idle=SIZE, max_size=SIZE, idle_timeout=1e6, max_lifetime=1e6)
    await share_a_pool(lambda: pool.connection("a"))


async def psycopg_pool() -> None:
    """With a connection that only says what the pool asks of it."""
    from psycopg.pq import TransactionStatus
    from psycopg_pool import AsyncConnectionPool

    class Idle:
        transaction_status = TransactionStatus.IDLE

    class PostgresConnection(Connection):
        pgconn = Idle
        autocommit = False

        @classmethod
        async def connect(cls, conninfo: str, **_: object) -> "PostgresConnection":
            await asyncio.sleep(0)
            return cls()

        async def __aenter__(self) -> "PostgresConnection":
            return self

        async def __aexit__(self, *_: object) -> None: ...

    kind: Any = PostgresConnection
    async with AsyncConnectionPool("", connection_class=kind, min_size=SIZE, open=False) as pool:
        await share_a_pool(pool.connection)


async def our_condition() -> None:
    from pynector.concurrency.primitives import Condition

    await be_notified(Condition())


async def anyio_condition() -> None:
    from anyio import Condition

    await be_notified(Condition())


async def asyncio_condition() -> None:
    await be_notified(asyncio.Condition())


async def our_queue() -> None:
    from pynector.concurrency.primitives import Queue

    queue = Queue[int](1)
    await hand_over(queue.put, queue.get, queue.shutdown)


async def anyio_stream() -> None:
    from anyio import WouldBlock, create_memory_object_stream

    send, receive = create_memory_object_stream[int](1)

    def left() -> list[int]:
        try:
            return [receive.receive_nowait()]
        except WouldBlock:
            return []

    with send, receive:
        await hand_over(send.send, receive.receive, left)


async def asyncio_queue() -> None:
    queue = asyncio.Queue[int](1)
    await hand_over(queue.put, queue.get, lambda: [] if queue.empty() else [queue.get_nowait()])


async def our_lock() -> None:
    from pynector.concurrency.primitives import Lock

    await share_a_place(Lock())


async def our_semaphore() -> None:
    from pynector.concurrency.primitives import Semaphore

    await share_a_place(Semaphore(1))


async def our_limiter() -> None:
    from pynector.concurrency.primitives import CapacityLimiter

    await share_a_place(CapacityLimiter(1))


async def anyio_lock() -> None:
    from anyio import Lock

    await share_a_place(Lock())


async def anyio_semaphore() -> None:
    from anyio import Semaphore

    await share_a_place(Semaphore(1))


async def anyio_limiter() -> None:
    from anyio import CapacityLimiter

    await share_a_place(CapacityLimiter(1))
