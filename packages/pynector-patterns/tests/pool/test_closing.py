"""The end of a pool."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError

from pynector.concurrency.patterns import ConnectionPool
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

CLOSED = r"^connection pool is closed; a closed pool cannot be used again$"


async def test_leaving_the_block_closes_all_the_lent_ones_too(world: Any) -> None:
    async with world.pool(3) as pool:
        await pool.acquire()
        await pool.release(await pool.acquire())
        assert world.open == [1, 2]

    assert world.open == []
    assert pool.statistics().open == 0


async def test_a_closed_pool_lends_nothing(world: Any) -> None:
    pool = world.pool()
    await pool.close()

    with pytest.raises(ClosedResourceError, match=CLOSED):
        await pool.acquire()
    with pytest.raises(ClosedResourceError, match=CLOSED):
        async with pool.acquire():
            pass
    with pytest.raises(ClosedResourceError, match=CLOSED):
        async with pool:
            pass


@pytest.mark.parametrize("call", ["expire_all", "wait_ready"])
async def test_a_closed_pool_is_not_changed(world: Any, call: str) -> None:
    pool = world.pool()
    await pool.close()

    with pytest.raises(ClosedResourceError, match=CLOSED):
        await getattr(pool, call)()
    with pytest.raises(ClosedResourceError, match=CLOSED):
        await pool.resize(2)


async def test_those_who_wait_are_told(world: Any) -> None:
    async def work() -> None:
        with pytest.raises(ClosedResourceError, match=r"^connection pool was closed while this task waited$"):
            await pool.acquire()

    async with create_task_group() as tg:
        async with world.pool() as pool:
            await pool.acquire()
            tg.start_soon(work)
            await wait_until_blocked()


async def test_what_is_being_opened_is_cancelled(world: Any) -> None:
    world.takes = 60

    async def work() -> None:
        with pytest.raises(ClosedResourceError, match=CLOSED):
            await pool.acquire()

    async with create_task_group() as tg:
        async with world.pool() as pool:
            tg.start_soon(work)
            await wait_until_blocked()

    assert (world.opened, pool.statistics().opening) == ([], 0)


@pytest.mark.parametrize("method", ["release", "discard"])
async def test_what_comes_back_after_the_end_is_no_error(world: Any, method: str) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()

    await getattr(pool, method)(connection)
    assert world.open == []


async def test_a_lease_that_ends_after_the_end_is_no_error(world: Any) -> None:
    pool = world.pool()
    async with pool.acquire():
        await pool.close()

    assert world.open == []


async def test_grace_lets_leases_end(world: Any) -> None:
    closed_early: list[bool] = []

    async def work() -> None:
        async with pool.acquire() as connection:
            await wait_until_blocked()
            closed_early.append(connection.closed)

    async with create_task_group() as tg, world.pool(grace=60) as pool:
        tg.start_soon(work)
        await wait_until_blocked()

    assert closed_early == [False]
    assert world.open == []


@pytest.mark.virtual_time
async def test_after_grace_the_rest_is_closed(world: Any) -> None:
    pool = world.pool(2)
    connection = await pool.acquire()

    await pool.close(grace=0.01)

    assert connection.closed


@pytest.mark.virtual_time
async def test_cancelling_the_wait_for_leases_still_closes_all(world: Any) -> None:
    pool = world.pool()
    connection = await pool.acquire()

    with anyio.move_on_after(0.01) as scope:
        await pool.close(grace=60)

    assert scope.cancelled_caught
    assert connection.closed


async def test_a_block_that_is_cancelled_closes_all(world: Any) -> None:
    with anyio.CancelScope() as scope:
        async with world.pool(2) as pool:
            await pool.acquire()
            await pool.release(await pool.acquire())
            scope.cancel()
            await anyio.sleep_forever()

    assert world.open == []


async def test_closing_again_waits_until_all_are_closed(world: Any) -> None:
    pool = world.pool(2)
    await pool.acquire()

    async def close() -> None:
        await pool.close()
        assert world.open == []

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(close)


async def test_closing_from_within_a_lease_does_not_wait_for_itself(world: Any) -> None:
    pool = world.pool()
    async with pool.acquire() as connection:
        await pool.close()

        assert connection.closed


@pytest.mark.virtual_time
async def test_closing_one_is_limited_in_time() -> None:
    class Stubborn:
        async def close(self) -> None:
            await anyio.sleep_forever()

    async def connect() -> Stubborn:
        return Stubborn()

    with anyio.fail_after(2):
        async with ConnectionPool(max_connections=3, connection_factory=connect, close_timeout=0.01) as pool:
            await pool.acquire()
            await pool.discard(await pool.acquire())

    assert pool.statistics().closing == 0


async def test_a_connection_that_fails_to_close_is_closed_all_the_same() -> None:
    class Broken:
        def close(self) -> None:
            raise OSError("broken pipe")

    async def connect() -> Broken:
        return Broken()

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        await pool.discard(await pool.acquire())
        await pool.acquire()

    assert pool.statistics().discarded == 2


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ({"close"}, "close"),
        ({"aclose"}, "aclose"),
        ({"disconnect"}, "disconnect"),
        ({"aclose", "close", "disconnect"}, "aclose"),
        (set(), None),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_closing_calls_the_first_of_three_methods(
    methods: set[str], expected: str | None, is_async: bool
) -> None:
    called: list[str] = []

    class Connection:
        pass

    async def connect() -> Connection:
        connection = Connection()
        for name in methods:
            if is_async:

                async def method(name: str = name) -> None:
                    await anyio.lowlevel.checkpoint()
                    called.append(name)

                setattr(connection, name, method)
            else:
                setattr(connection, name, lambda name=name: called.append(name))
        return connection

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        await pool.acquire()

    assert called == ([expected] if expected else [])


async def test_a_pool_is_entered_once(world: Any) -> None:
    async with world.pool() as pool:
        with pytest.raises(
            RuntimeError, match=r"^connection pool is entered already; a pool is entered once$"
        ):
            async with pool:
                pass


async def test_a_pool_works_without_its_block(world: Any) -> None:
    pool = world.pool()
    await pool.release(await pool.acquire())

    await pool.close()

    assert world.open == []


class Managed:
    def __init__(self) -> None:
        self.left = 0

    @contextmanager
    def connect(self) -> Iterator[object]:
        try:
            yield object()
        finally:
            self.left += 1


async def test_without_time_to_close_what_takes_none_is_closed_all_the_same() -> None:
    class Connection:
        closed = False

        def close(self) -> None:
            self.closed = True

    async def connect() -> Connection:
        return connection

    connection, managed = Connection(), Managed()
    for factory in connect, managed.connect:
        pool: ConnectionPool[Any] = ConnectionPool(
            max_connections=1, connection_factory=factory, close_timeout=0
        )
        async with pool, pool.acquire():
            pass
    await wait_until_blocked()

    assert connection.closed
    assert managed.left == 1


def test_a_close_that_does_not_let_itself_be_cancelled_is_not_waited_for(in_virtual_time: Any) -> None:
    class Connection:
        async def close(self) -> None:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1000)

    async def connect() -> Connection:
        return Connection()

    async def scenario() -> None:
        began = anyio.current_time()
        async with ConnectionPool(max_connections=2, connection_factory=connect, close_timeout=1) as pool:
            await pool.discard(await pool.acquire())
            assert anyio.current_time() - began == pytest.approx(2)
            with pytest.raises(KeyError):
                async with pool.acquire():
                    raise KeyError
            assert anyio.current_time() - began == pytest.approx(4)

        began = anyio.current_time()
        async with ConnectionPool(max_connections=2, connection_factory=connect, close_timeout=1) as pool:
            for connection in [await pool.acquire(), await pool.acquire()]:
                await pool.release(connection)
            await pool.expire_all()
            assert anyio.current_time() - began == pytest.approx(2)  # for both of them
        await anyio.sleep(1000)

    in_virtual_time(scenario)
