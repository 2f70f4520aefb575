"""What is tried of connection pools: drivers' with a server, and all with connections that do nothing."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import asyncio_connection_pool
import asyncpg
import psycopg_pool
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ConnectionPool

from .maps import succeeds
from .opened_pools import (
    POOLS,
    AsyncioConnectionPools,
    Asyncpgs,
    LikePsycopg,
    Ours,
    Plain,
    PsycopgPools,
    plain,
    refused,
)
from .tried import tried


async def borrow_once(pool: Any) -> None:
    async with pool() as opened, opened.borrow():
        pass


@tried("runs on trio", POOLS)
async def runs_on_trio(pool: Any) -> bool:
    await borrow_once(pool)  # on asyncio all of them run
    return await anyio.to_thread.run_sync(succeeds, trio.run, borrow_once, pool)


@tried("pools any object", POOLS)
async def pools_any_object(pool: Any) -> bool:
    try:
        async with pool(plain) as opened, opened.borrow() as connection:
            return type(connection) is Plain
    except (AttributeError, psycopg_pool.PoolTimeout, asyncpg.InterfaceError):
        return False


@tried("a refused connection is told", POOLS)
async def refusal_is_told(pool: Any) -> str:
    async with pool(refused) as opened:
        started = anyio.current_time()
        try:
            async with opened.borrow():
                pass
        except ConnectionRefusedError:
            return "at once"
        except psycopg_pool.PoolTimeout:
            return "at `timeout`" if anyio.current_time() - started > 0.4 else "?"
    raise AssertionError("nothing was refused")


@tried("who waits gives up by default", POOLS)
async def default_limit(pool: Any) -> str:
    options = {
        Ours: (ConnectionPool, "acquire_timeout"),
        PsycopgPools: (psycopg_pool.AsyncConnectionPool, "timeout"),
        Asyncpgs: (asyncpg.pool.Pool.acquire, "timeout"),
    }
    if pool is AsyncioConnectionPools:
        assert list(inspect.signature(asyncio_connection_pool.ConnectionPool.get_connection).parameters) == [
            "self"
        ]
        return "never"
    function, name = options[pool]
    default = inspect.signature(function).parameters[name].default
    return "never" if default is None else f"after {default:g} s"


@tried("after a block that failed, the connection is", POOLS)
async def after_a_failed_block(pool: Any) -> str:
    if pool in (PsycopgPools, Asyncpgs):
        return await after_a_failed_block_of_a_driver(pool)
    async with pool() as opened:
        with suppress(ValueError):
            async with opened.borrow() as first:
                raise ValueError
        async with opened.borrow() as second:
            return "lent as it is" if second is first else "closed, or `reset`"


async def after_a_failed_block_of_a_driver(pool: Any) -> str:
    driver = psycopg_pool.AsyncConnectionPool if pool is PsycopgPools else asyncpg.create_pool
    async with driver(min_size=1, max_size=1, **({"open": False} if pool is PsycopgPools else {})) as opened:
        borrow = opened.connection if pool is PsycopgPools else opened.acquire
        with suppress(ValueError):
            async with borrow() as connection:
                await connection.execute("create temporary table here (x int)")
                await connection.execute("set application_name = 'mine'")
                raise ValueError
        async with borrow() as connection:
            if pool is PsycopgPools:
                cursor = await connection.execute("select to_regclass('here') is null")
                return "rolled back" if (await cursor.fetchone())[0] else "lent as it is"
            return "reset" if await connection.fetchval("show application_name") != "mine" else "?"


@tried("a connection is opened and closed in one task", POOLS)
async def one_task_for_each(pool: Any) -> bool:
    tasks: list[object] = []

    class Noting(LikePsycopg):
        async def close(self) -> None:
            tasks.append(asyncio.current_task())

    async def connect() -> Noting:
        tasks.append(asyncio.current_task())
        return Noting()

    if pool is Asyncpgs:
        return await one_task_for_asyncpg(tasks)
    async with pool(as_block(connect) if pool is Ours else connect) as opened:
        async with anyio.create_task_group() as tg:

            async def use() -> None:
                async with opened.borrow():
                    await checkpoint()

            tg.start_soon(use)
    return len(tasks) == 2 and tasks[0] is tasks[1]


def as_block(connect: Any) -> Any:
    @asynccontextmanager
    async def block() -> AsyncIterator[Any]:
        connection = await connect()
        yield connection
        await connection.close()

    return block


async def one_task_for_asyncpg(tasks: list[object]) -> bool:
    class Noting(asyncpg.Connection):
        async def close(self, *, timeout: float | None = None) -> None:
            tasks.append(asyncio.current_task())
            await super().close(timeout=timeout)

    async def connect(*args: Any, **kwargs: Any) -> Any:
        tasks.append(asyncio.current_task())
        return await asyncpg.connect(connection_class=Noting)

    async with asyncpg.create_pool(min_size=0, max_size=1, connect=connect, connection_class=Noting) as pool:

        async def use() -> None:
            async with pool.acquire():
                pass

        await asyncio.create_task(use())
    return len(tasks) == 2 and tasks[0] is tasks[1]
