"""The tasks that a pool starts for itself, cancelled natively at any step, as at the end of `asyncio.run`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from anyio import BrokenResourceError

from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, PoolFactoryError, PoolLimits
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import cancel_everywhere

# Python 3.11 has no eager tasks.
pytestmark = pytest.mark.parametrize("eager", [False, True] if sys.version_info >= (3, 12) else [False])

OWN = {
    "keeper": "_keep",
    "opener": "_open_ahead",
    "acquire_timeout": "_watch",
    "closing": "_close",
    "connection": "_own",
}
"""The names of the tasks, and of their functions: an eager task is not yet named when it begins."""


class Connection:
    async def close(self) -> None:
        await anyio.sleep(1)


async def connect(_: object = None) -> Connection:
    return Connection()


@asynccontextmanager
async def managed() -> AsyncIterator[object]:
    await anyio.lowlevel.checkpoint()
    yield object()


async def use(pool: ConnectionPool[object]) -> None:
    try:
        async with pool.acquire():
            await anyio.sleep(1)
    except (ConnectionError, PoolFactoryError):  # the connection's own task was cancelled
        pass


@pytest.mark.parametrize("task", OWN)
def test_close_never_waits_for_a_task_that_never_ran(task: str, eager: bool) -> None:
    async def scenario() -> None:
        limits = PoolLimits(min_size=1, max_idle=60)
        factory = managed if task == "connection" else connect
        async with ConnectionPool(max_connections=1, connection_factory=factory, limits=limits) as pool:
            async with create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(use, pool)
        assert (pool.statistics().open, pool.statistics().closing) == (0, 0)

    names = {task, OWN[task]}
    cancel_everywhere(scenario, faults=["native", "twice"], victims=names.__contains__, eager=eager).check()


def test_closing_a_keyed_pool_never_waits_for_a_task_that_never_ran(eager: bool) -> None:
    async def scenario() -> None:
        async with KeyedConnectionPool(max_per_key=1, max_connections=1, connection_factory=connect) as pool:
            async with create_task_group() as tg:
                for key in "a", "b", "a":
                    tg.start_soon(use_key, pool, key)
        assert (pool.statistics().open, pool.statistics().closing) == (0, 0)

    names = {*OWN, *OWN.values()}
    cancel_everywhere(scenario, faults=["native", "twice"], victims=names.__contains__, eager=eager).check()


async def use_key(pool: KeyedConnectionPool[str, object], key: str) -> None:
    async with pool.acquire(key):
        await anyio.sleep(1)


def test_wait_ready_does_not_wait_for_an_opener_that_was_cancelled(eager: bool) -> None:
    async def scenario() -> None:
        async with ConnectionPool(
            max_connections=1,
            connection_factory=connect,
            limits=PoolLimits(min_size=1),
            acquire_timeout=None,
        ) as pool:
            with suppress(BrokenResourceError):
                await pool.wait_ready()
                assert pool.statistics().idle == 1

    names = {"opener", OWN["opener"]}
    cancel_everywhere(scenario, faults=["native"], victims=names.__contains__, eager=eager).check()
