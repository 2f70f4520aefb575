"""Whatever the order of the tasks, and whoever is cancelled when: no place and no connection is lost."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolError, PoolLimits
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

Scenario = Callable[[], Coroutine[Any, Any, None]]
MAXIMUM = 2


class Connection:
    def __init__(self, site: "Site") -> None:
        self.site = site
        self.users = 0

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.site.open.discard(self)
        await anyio.lowlevel.checkpoint()


class Site:
    """Opens connections, some of them in vain, and sees that there are never too many."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.attempts = 0
        self.fails: set[int] = set()
        invariant(self.check)

    def check(self) -> None:
        assert len(self.open) <= MAXIMUM, "too many connections"
        assert all(connection.users <= 1 for connection in self.open), "a connection in two hands"

    async def connect(self) -> Connection:
        self.attempts += 1
        attempt = self.attempts
        await anyio.lowlevel.checkpoint()
        if attempt in self.fails:
            raise OSError("refused")
        connection = Connection(self)
        self.open.add(connection)
        return connection

    @asynccontextmanager
    async def managed(self) -> AsyncIterator[Connection]:
        connection = await self.connect()
        try:
            async with anyio.create_task_group() as tg:
                tg.start_soon(anyio.sleep_forever)
                yield connection
                tg.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await connection.close()


async def use(connection: Connection) -> None:
    connection.users += 1
    try:
        await anyio.sleep(1)
    finally:
        connection.users -= 1


async def in_a_block(pool: ConnectionPool[Connection]) -> None:
    async with pool.acquire() as connection:
        await use(connection)


async def with_calls(pool: ConnectionPool[Connection]) -> None:
    connection = await pool.acquire()
    try:
        await use(connection)
    finally:
        await pool.release(connection)


async def discarding(pool: ConnectionPool[Connection]) -> None:
    connection = await pool.acquire()
    try:
        await use(connection)
    finally:
        await pool.discard(connection)


async def tolerant(pool: ConnectionPool[Connection]) -> None:
    try:
        await in_a_block(pool)
    except (OSError, PoolError):
        pass


async def probe(pool: ConnectionPool[Connection]) -> None:
    """All connections can be had at once: nothing was lost."""
    assert (pool.statistics().lent, pool.statistics().waiting) == (0, 0)
    async with AsyncExitStack() as stack:
        for _ in range(MAXIMUM):
            await stack.enter_async_context(pool.acquire())


def scenario_of(
    *users: Callable[[ConnectionPool[Connection]], Awaitable[None]],
    factory: str = "connect",
    fails: tuple[int, ...] = (),
    **options: Any,
) -> Scenario:
    """Make a scenario: these users at the same time, then the probe."""

    async def scenario() -> None:
        site = Site()
        site.fails = set(fails)
        async with ConnectionPool(
            max_connections=MAXIMUM, connection_factory=getattr(site, factory), **options
        ) as pool:
            async with anyio.create_task_group() as tg:
                for user in users:
                    tg.start_soon(user, pool)
            site.fails.clear()
            await probe(pool)
        assert not site.open
        assert pool.statistics().open == 0

    return scenario


async def checked(connection: Connection) -> None:
    await anyio.lowlevel.checkpoint()


async def closing(pool: ConnectionPool[Connection]) -> None:
    await anyio.sleep(0.5)
    await pool.close()


async def growing(pool: ConnectionPool[Connection]) -> None:
    try:
        await pool.resize(1)
        await anyio.sleep(0.5)
    finally:
        await pool.resize(MAXIMUM)


async def expiring(pool: ConnectionPool[Connection]) -> None:
    await anyio.sleep(0.5)
    await pool.expire_all()


SCENARIOS = {
    "blocks": scenario_of(*[in_a_block] * 4),
    "calls": scenario_of(*[with_calls] * 4),
    "discards": scenario_of(discarding, in_a_block, discarding, with_calls),
    "hooks": scenario_of(*[in_a_block] * 4, check=checked, reset=checked),
    "uses": scenario_of(*[in_a_block] * 4, limits=PoolLimits(max_uses=1)),
    "kept": scenario_of(*[in_a_block] * 3, limits=PoolLimits(min_size=1, max_idle=0.5)),
    "failures": scenario_of(*[tolerant] * 4, fails=(2, 3)),
    "late": scenario_of(*[tolerant] * 5, acquire_timeout=1),
    "owned": scenario_of(*[in_a_block] * 3, factory="managed"),
    "resized": scenario_of(in_a_block, in_a_block, growing, in_a_block),
    "expired": scenario_of(in_a_block, in_a_block, expiring, in_a_block),
}


def is_user(task: str) -> bool:
    """Whether a task is one of the users', not one of the pool's own."""
    return task not in {"acquire_timeout", "closing", "connection", "keeper", "opener"}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost_in_any_order(name: str, backend: str) -> None:
    explore(SCENARIOS[name], schedules=60, backend=backend).check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost_whoever_is_cancelled(name: str, backend: str) -> None:
    cancel_everywhere(SCENARIOS[name], backend=backend, victims=is_user).check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_closing_at_any_time_closes_all(backend: str) -> None:
    async def scenario() -> None:
        site = Site()
        pool = ConnectionPool(max_connections=MAXIMUM, connection_factory=site.connect)
        async with anyio.create_task_group() as tg:
            for _ in range(4):
                tg.start_soon(told, pool)
            tg.start_soon(closing, pool)
        await pool.close()
        assert not site.open
        assert pool.statistics().open == 0

    async def told(pool: ConnectionPool[Connection]) -> None:
        try:
            await in_a_block(pool)
        except anyio.ClosedResourceError:
            pass

    explore(scenario, schedules=200, backend=backend).check()
    cancel_everywhere(scenario, backend=backend, victims=is_user).check()
