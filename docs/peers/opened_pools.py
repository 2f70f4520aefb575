"""Pools of one connection, ours and the peers', behind one interface."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

import asyncio_connection_pool
import asyncpg
import psycopg_pool
from psycopg.pq import TransactionStatus

from pynector.concurrency.patterns import ConnectionPool

Borrow = Callable[[], AbstractAsyncContextManager[Any]]


class Plain:
    """A connection that has nothing but `close`."""

    async def close(self) -> None:
        pass


class LikePsycopg(Plain):
    """What psycopg_pool asks of a connection."""

    transaction_status = TransactionStatus.IDLE

    def __init__(self) -> None:
        self.pgconn = self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        pass


async def plain() -> Plain:
    return Plain()


async def refused() -> Any:
    raise ConnectionRefusedError


class Ours:
    """A pool of one connection that *connect* opens."""

    def __init__(self, connect: Any = plain) -> None:
        self._pool = ConnectionPool(max_connections=1, connection_factory=connect)
        self.borrow: Borrow = self._pool.acquire

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._pool.close()


class PsycopgPools:
    def __init__(self, connect: Any = None) -> None:
        self._connect = connect

    async def __aenter__(self) -> Self:
        class Connection(LikePsycopg):
            @classmethod
            async def connect(cls, *args: object, _connect: Any = self._connect, **kwargs: object) -> Any:
                return await _connect() if _connect else cls()

        self._pool: Any = psycopg_pool.AsyncConnectionPool(
            connection_class=Connection, min_size=0, max_size=1, timeout=0.5, open=False
        )
        await self._pool.open()
        self.borrow: Borrow = self._pool.connection
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._pool.close()


class Asyncpgs:
    def __init__(self, connect: Any = None) -> None:
        self._options = {"connect": lambda *args, **kwargs: connect()} if connect else {}

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(min_size=0, max_size=1, **self._options)
        self.borrow: Borrow = self._pool.acquire
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._pool.close()


class AsyncioConnectionPools:
    def __init__(self, connect: Any = plain) -> None:
        self._connect = connect

    async def __aenter__(self) -> Self:
        class Strategy(asyncio_connection_pool.ConnectionStrategy[Any]):
            async def make_connection(self, _connect: Any = self._connect) -> Any:
                return await _connect()

            def connection_is_closed(self, conn: Any) -> bool:
                return False

            async def close_connection(self, conn: Any) -> None:
                await conn.close()

        pool = asyncio_connection_pool.ConnectionPool[Any](strategy=Strategy(), max_size=1)
        self.borrow: Borrow = pool.get_connection
        return self

    async def __aexit__(self, *args: object) -> None:
        pass


POOLS = {
    "pynector": Ours,
    "psycopg_pool": PsycopgPools,
    "asyncpg": Asyncpgs,
    "asyncio-connection-pool": AsyncioConnectionPools,
}
