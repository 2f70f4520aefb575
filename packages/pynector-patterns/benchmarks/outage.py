"""Callers that each have less time than opening a connection takes: how many are served.

    hatch run bench:outage

Each pool may open four connections, and opening one takes 0.3 s. For three seconds eight tasks ask for one,
wait 0.2 s at most, keep it for 0.05 s, and ask again 0.05 s later. The rounds alternate, in one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from pynector.concurrency.patterns import ConnectionPool

ROUNDS, TASKS, CONNECTIONS = 3, 8, 4
OPENING, PATIENCE, KEEPING, PAUSE, SECONDS = 0.3, 0.2, 0.05, 0.05, 3.0
Acquire = Callable[[], AbstractAsyncContextManager[Any]]


class Connection:
    """What psycopg_pool asks of a connection; nobody else asks for anything."""

    def __init__(self) -> None:
        self.pgconn = self
        self.transaction_status = TransactionStatus.IDLE

    @classmethod
    async def connect(cls, *args: object, **options: object) -> Connection:
        await anyio.sleep(OPENING)
        return cls()

    async def close(self) -> None: ...


@asynccontextmanager
async def ours() -> AsyncIterator[Acquire]:
    async with ConnectionPool(max_connections=CONNECTIONS, connection_factory=Connection.connect) as pool:
        yield pool.acquire


@asynccontextmanager
async def psycopg() -> AsyncIterator[Acquire]:
    pool: Any = AsyncConnectionPool(
        "", connection_class=Connection, min_size=0, max_size=CONNECTIONS, open=False
    )  # type: ignore[type-var]

    @asynccontextmanager
    async def acquire() -> AsyncIterator[object]:
        connection = await pool.getconn()
        try:
            yield connection
        finally:
            await pool.putconn(connection)

    await pool.open()
    yield acquire
    await pool.close()


async def round_of(pool: AbstractAsyncContextManager[Acquire]) -> tuple[int, int]:
    """Return how many asked, and how many of them were served."""
    asked = served = 0
    async with pool as acquire:
        end = anyio.current_time() + SECONDS

        async def caller() -> None:
            nonlocal asked, served
            while anyio.current_time() < end:
                asked += 1
                try:
                    async with asyncio.timeout(PATIENCE) as limit, acquire():
                        limit.reschedule(None)
                        served += 1
                        await anyio.sleep(KEEPING)
                except TimeoutError:
                    pass
                await anyio.sleep(PAUSE)

        async with anyio.create_task_group() as tg:
            for _ in range(TASKS):
                tg.start_soon(caller)
    return asked, served


async def main() -> None:
    pools = {"pynector ConnectionPool": ours, "psycopg_pool": psycopg}
    sums = {name: [0, 0] for name in pools}
    for _ in range(ROUNDS):
        for name, pool in pools.items():
            asked, served = await round_of(pool())
            sums[name][0] += asked
            sums[name][1] += served
    for name, (asked, served) in sums.items():
        print(f"{name:24} served {served:,} of {asked:,} callers, {served / asked:.1%}")


if __name__ == "__main__":
    anyio.run(main)
