"""Scenarios of the end of a pool: it may be cancelled anywhere, and all is closed all the same."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio import BrokenResourceError, ClosedResourceError
from scenarios_faults import apart

from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, PoolFactoryError, PoolLimits
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint
from pynector.concurrency.testing import invariant

AnyPool = ConnectionPool[Any] | KeyedConnectionPool[str, Any]


class Site:
    """Opens connections that take their time to go, and sees that there are never too many."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.open = 0
        invariant(self.check)

    def check(self) -> None:
        assert self.open <= self.limit, f"{self.open} connections, {self.limit} allowed"

    def check_closed(self, pool: AnyPool) -> None:
        assert self.open == 0, f"{self.open} are open after close()"
        statistics = pool.statistics()
        assert statistics.open == statistics.closing == statistics.waiting == 0, statistics

    async def connect(self, _: object = None) -> "Connection":
        await checkpoint()
        return Connection(self)

    @asynccontextmanager
    async def managed(self) -> AsyncIterator[object]:
        self.open += 1
        try:
            await anyio.sleep(1)
            yield object()
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    for _ in range(3):
                        await checkpoint()
            finally:  # a native cancellation cannot be kept out
                self.open -= 1

    def pool(self, **options: Any) -> ConnectionPool[Any]:
        return ConnectionPool(max_connections=self.limit, **({"connection_factory": self.connect} | options))


class Connection:
    def __init__(self, site: Site) -> None:
        self.site = site
        site.open += 1

    async def close(self) -> None:
        await anyio.sleep(1)
        self.site.open -= 1


async def together(*functions: Callable[[], Awaitable[None]]) -> None:
    """Run all at once, and each in a group of its own."""
    async with create_task_group() as tg:
        for function in functions:
            tg.start_soon(apart, function)


async def closing_is_cancelled() -> None:
    site = Site(2)
    pool = site.pool()
    for _ in range(2):
        await pool.acquire()  # never given back

    async def wait_in_vain() -> None:
        with suppress(ClosedResourceError):
            await pool.acquire()

    async def close() -> None:
        await checkpoint()
        await pool.close(grace=2)

    await together(wait_in_vain, close, close)
    await pool.close()
    site.check_closed(pool)


async def keyed_closing_is_cancelled() -> None:
    site = Site(3)
    pool = KeyedConnectionPool[str, Any](
        max_per_key=2,
        max_connections=3,
        connection_factory=site.connect,
        limits=PoolLimits(max_idle=0.5),
    )
    await pool.__aenter__()
    for key in "a", "b":
        await pool.acquire(key)  # never given back
    await pool.release(await pool.acquire("b"))

    async def user() -> None:
        with suppress(ClosedResourceError):
            async with pool.acquire("c"):
                await anyio.sleep(1)

    async def close() -> None:
        await checkpoint()
        await pool.close(grace=2)

    await together(user, close)
    await pool.close()
    site.check_closed(pool)


async def closed_pool_lends_nothing() -> None:
    site = Site(2)
    pool = site.pool(limits=PoolLimits(min_size=1), grace=10)
    await pool.__aenter__()
    with suppress(BrokenResourceError):  # the keeper was cancelled
        await pool.wait_ready()

    async def user() -> None:
        with suppress(ClosedResourceError):
            for _ in range(3):
                is_closed = "closed" in repr(pool)
                connection = await pool.acquire()
                assert not is_closed, f"lent by {pool!r}"
                await anyio.sleep(1)
                await pool.release(connection)

    async def close() -> None:
        await anyio.sleep(1)
        await pool.close()

    await together(user, user, user, close)
    await pool.close()
    site.check_closed(pool)


async def close_ends_with_the_last_lease() -> None:
    site = Site(1)
    pool = site.pool(check=lambda _: anyio.sleep(1))

    async def user() -> None:
        with suppress(ClosedResourceError):
            for _ in range(2):
                async with pool.acquire():
                    await anyio.sleep(1)

    async def close() -> None:
        await anyio.sleep(1)
        await pool.close(grace=1000)

    began = anyio.current_time()
    await together(user, user, user, close)
    await pool.close()
    assert anyio.current_time() - began < 50, "close() waited for nobody"
    site.check_closed(pool)


async def keeper_may_never_begin() -> None:
    site = Site(2)
    async with site.pool(limits=PoolLimits(min_size=1, max_idle=0)) as pool:

        async def user() -> None:
            async with pool.acquire():
                await anyio.sleep(1)

        await together(user, user, user)
        await anyio.sleep(1000)  # the keeper has nothing to do
    site.check_closed(pool)


async def manager_keeps_its_place() -> None:
    site = Site(1)
    async with site.pool(connection_factory=site.managed, close_timeout=0.5) as pool:

        async def user() -> None:
            with suppress(ConnectionError, PoolFactoryError):  # the manager's own task was cancelled
                async with pool.acquire():
                    await anyio.sleep(1)

        await together(user, user, user)
        await user()
    site.check_closed(pool)


async def resized_while_it_closes() -> None:
    site = Site(3)
    pool = site.pool(grace=3)

    async def user() -> None:
        with suppress(ClosedResourceError):
            async with pool.acquire():
                await anyio.sleep(2)

    async def resize() -> None:
        with suppress(ClosedResourceError):
            for size in 1, 3, 2:
                await pool.resize(size)
                await anyio.sleep(1)

    async def close() -> None:
        await anyio.sleep(1)
        await pool.close()

    await together(user, user, user, user, resize, close)
    await pool.close()
    site.check_closed(pool)


SCENARIOS = (
    closing_is_cancelled,
    keyed_closing_is_cancelled,
    closed_pool_lends_nothing,
    close_ends_with_the_last_lease,
    keeper_may_never_begin,
    manager_keeps_its_place,
    resized_while_it_closes,
)
