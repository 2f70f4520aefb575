"""Hosts to connect to, and those connections that are open."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from pynector.concurrency.patterns import KeyedConnectionPool


class Connection:
    def __init__(self, internet: "Internet", host: str) -> None:
        self.internet = internet
        self.host = host

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.internet.open.remove(self)


class Internet:
    """Opens connections to hosts, and keeps those in view that are open."""

    def __init__(self) -> None:
        self.open: list[Connection] = []
        self.opened = 0
        self.down: set[str] = set()

    async def connect(self, host: str) -> Connection:
        await anyio.lowlevel.checkpoint()
        if host in self.down:
            raise OSError(f"{host} is down")
        self.opened += 1
        self.open.append(Connection(self, host))
        return self.open[-1]

    @asynccontextmanager
    async def manage(self, host: str) -> AsyncIterator[Connection]:
        await anyio.lowlevel.checkpoint()
        connection = await self.connect(host)
        try:
            yield connection
        finally:
            with anyio.CancelScope(shield=True):
                await connection.close()

    def pool(
        self, max_per_key: int, max_connections: int, *, managed: bool = False, **options: Any
    ) -> KeyedConnectionPool[str, Connection]:
        return KeyedConnectionPool(
            max_per_key=max_per_key,
            max_connections=max_connections,
            connection_factory=self.manage if managed else self.connect,
            **options,
        )

    def hosts(self) -> Counter[str]:
        return Counter(connection.host for connection in self.open)


async def use(pool: KeyedConnectionPool[str, Connection], host: str, seconds: float = 0) -> None:
    async with pool.acquire(host) as connection:
        assert connection.host == host
        await anyio.sleep(seconds)
