"""Whatever cancels the end of a pool, in whatever order: all is closed, and nothing is lent any more."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError

from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, PoolLimits, PoolWatch
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import cancel_everywhere, explore

LANES = [("asyncio", False), ("trio", False)]
if sys.version_info >= (3, 12):
    LANES.append(("asyncio", True))
lanes = pytest.mark.parametrize(("backend", "eager"), LANES)
kinds = pytest.mark.parametrize("kind", ["plain", "kept", "keyed"])


class Site:
    """Opens connections, and knows which are open."""

    def __init__(self) -> None:
        self.open: set[object] = set()

    async def connect(self, _: object = None) -> "Connection":
        await anyio.lowlevel.checkpoint()
        return Connection(self)

    def pool(self, kind: str, **options: Any) -> Any:
        options = {"max_connections": 3, "connection_factory": self.connect, "limits": PoolLimits()} | options
        if kind == "keyed":
            return KeyedConnectionPool(max_per_key=2, **options)
        if kind == "kept":
            options["limits"] = PoolLimits(min_size=1)
        return ConnectionPool(**options)


class Connection:
    def __init__(self, site: Site) -> None:
        self.site = site
        site.open.add(self)

    async def close(self) -> None:
        await anyio.sleep(1)
        self.site.open.discard(self)


def acquire(pool: Any, key: str = "a") -> Any:
    return pool.acquire(key) if isinstance(pool, KeyedConnectionPool) else pool.acquire()


async def apart(func: Callable[..., Awaitable[None]], *args: Any) -> None:
    """In a group of its own: a native cancellation of a child cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func, *args)


@lanes
@kinds
@pytest.mark.parametrize("grace", [0.0, 5.0])
def test_whatever_cancels_close_all_is_closed_and_closing_again_waits_for_it(
    kind: str, grace: float, backend: str, eager: bool
) -> None:
    async def scenario() -> None:
        site = Site()
        pool = site.pool(kind)
        held = [await acquire(pool, key) for key in ("a", "a", "b")]  # never given back
        await pool.__aenter__()

        async def wait_in_vain() -> None:
            with suppress(ClosedResourceError):
                await acquire(pool)

        async def close() -> None:
            await anyio.sleep(1)
            await pool.close(grace=grace)

        async with create_task_group() as tg:
            tg.start_soon(apart, wait_in_vain)
            tg.start_soon(apart, close)
            tg.start_soon(apart, close)
        await pool.close(grace=0)
        assert len(held) == 3
        assert not site.open, f"{len(site.open)} are open after close()"
        assert (pool.statistics().open, pool.statistics().closing) == (0, 0)

    faults = ["scope"] if backend == "trio" else ["scope", "native", "both", "twice", "again"]
    cancel_everywhere(
        scenario, faults=faults, victims=lambda task: task == "close", backend=backend, eager=eager
    ).check()


@lanes
@kinds
def test_a_pool_that_is_being_closed_lends_nothing(kind: str, backend: str, eager: bool) -> None:
    async def scenario() -> None:
        pool = Site().pool(kind, grace=10)
        await pool.__aenter__()
        held = await acquire(pool)
        await pool.release(await acquire(pool))

        async def close() -> None:
            await pool.close()

        async with create_task_group() as tg:
            tg.start_soon(close)
            for second in range(8):
                await anyio.lowlevel.checkpoint()
                if "closed" in repr(pool):
                    for key in "a", "new":
                        with pytest.raises(ClosedResourceError):
                            await acquire(pool, key)
                    await anyio.sleep(1)
                if second == 5:
                    await pool.release(held)

    explore(scenario, schedules=40, backend=backend, eager=eager).check()


@lanes
@kinds
@pytest.mark.parametrize("check", [None, anyio.sleep], ids=["", "check"])
def test_close_ends_with_the_last_lease(
    kind: str, check: Callable[[float], Awaitable[None]] | None, backend: str, eager: bool
) -> None:
    async def checked(_: object) -> None:
        await anyio.sleep(1)

    async def scenario() -> None:
        site = Site()
        pool = site.pool(kind, grace=1000, check=check and checked)

        async def use() -> None:
            with suppress(ClosedResourceError):
                for _ in range(2):
                    async with acquire(pool):
                        await anyio.sleep(1)

        async def close() -> None:
            await anyio.sleep(1)
            await pool.close()

        began = anyio.current_time()
        async with create_task_group() as tg:
            for start in use, use, use, use, close:
                tg.start_soon(start)
        assert anyio.current_time() - began < 10
        assert not site.open

    explore(scenario, schedules=40, backend=backend, eager=eager).check()


def test_what_comes_back_in_the_grace_is_closed_at_once(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        pool = world.pool(2, grace=60)
        first, second = await pool.acquire(), await pool.acquire()
        async with create_task_group() as tg:
            tg.start_soon(pool.close)
            await anyio.sleep(10)
            await pool.release(first)
            await anyio.sleep(1)
            assert world.open == [2]
            await pool.release(second)

    in_virtual_time(scenario)


def test_who_closes_first_decides_on_the_grace(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        began = anyio.current_time()
        async with create_task_group() as tg, world.pool() as pool:
            await pool.acquire()
            tg.start_soon(closing, pool, 60)
            await anyio.sleep(10)

        assert anyio.current_time() - began == pytest.approx(60)
        assert world.open == []

    in_virtual_time(scenario)


def test_who_is_cancelled_while_closing_again_ends_the_grace_for_all(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        pool = world.pool()
        await pool.acquire()
        began = anyio.current_time()
        async with create_task_group() as tg:
            tg.start_soon(closing, pool, 60)
            await anyio.sleep(4)
            with anyio.move_on_after(6):
                await pool.close()

        assert anyio.current_time() - began == pytest.approx(10)
        assert world.open == []

    in_virtual_time(scenario)


async def closing(pool: Any, grace: float) -> None:
    await pool.close(grace=grace)


def test_close_ends_though_a_connection_heeds_no_cancellation(in_virtual_time: Any) -> None:
    async def scenario() -> None:
        let_go = anyio.Event()

        class Stubborn:
            async def close(self) -> None:
                with anyio.CancelScope(shield=True):
                    await let_go.wait()

        async def connect() -> Stubborn:
            return Stubborn()

        pool = ConnectionPool(max_connections=1, connection_factory=connect, close_timeout=3)
        await pool.acquire()
        began = anyio.current_time()
        await pool.close()
        assert anyio.current_time() - began == pytest.approx(7)
        assert pool.statistics().closing == 1
        let_go.set()
        await pool.close()
        assert pool.statistics().closing == 0

    in_virtual_time(scenario)


def test_a_key_that_was_forgotten_leaves_no_task_behind(in_virtual_time: Any) -> None:
    async def scenario() -> None:
        pool = Site().pool("keyed", limits=PoolLimits(max_uses=1), watch=PoolWatch(timed=True))
        for key in "a", "b", "c":
            async with create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(hold, pool, key)
        assert pool.keys() == ()
        await pool.close()

    in_virtual_time(scenario)


async def hold(pool: Any, key: str) -> None:
    async with acquire(pool, key):
        await anyio.sleep(1)
