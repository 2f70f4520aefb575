"""Limits of time and number, in virtual time."""

from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import (
    ConnectionPool,
    PoolFullError,
    PoolLimits,
    PoolTimeoutError,
    PoolWatch,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import explore, wait_until_blocked


def test_who_waits_longer_than_acquire_timeout_is_told(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(acquire_timeout=30) as pool:
            await pool.acquire()
            since = anyio.current_time()
            with pytest.raises(
                PoolTimeoutError, match=r"^no connection within 30 s \(0 idle, 1 lent"
            ) as caught:
                await pool.acquire()

            assert anyio.current_time() - since == pytest.approx(30)
            assert caught.value.statistics.lent == 1
            assert pool.statistics().timed_out == 1
            assert pool.statistics().waiting == 0

    in_virtual_time(scenario)


def test_each_who_waits_has_the_whole_acquire_timeout(world: Any, in_virtual_time: Any) -> None:
    waited: list[float] = []

    async def scenario() -> None:
        world.reset()
        waited.clear()

        async def work(delay: float) -> None:
            await anyio.sleep(delay)
            since = anyio.current_time()
            with pytest.raises(PoolTimeoutError):
                await pool.acquire()
            waited.append(anyio.current_time() - since)

        async with world.pool(acquire_timeout=30) as pool:
            await pool.acquire()
            async with create_task_group() as tg:
                for delay in (0, 1, 29, 45, 100):
                    tg.start_soon(work, delay)

        assert waited == pytest.approx([30.0] * 5)

    in_virtual_time(scenario)


def test_a_served_task_is_not_told_that_it_is_late(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(acquire_timeout=30) as pool:
            first = await pool.acquire()
            async with create_task_group() as tg:
                handle = tg.create_task(pool.acquire())
                await anyio.sleep(29)
                await pool.release(first)
                assert await handle is first
                await anyio.sleep(60)

    in_virtual_time(scenario)


def test_the_time_to_wait_is_for_waiting_and_opening_together(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 20
        async with world.pool(acquire_timeout=30) as pool:
            since = anyio.current_time()
            first = await pool.acquire()
            async with create_task_group() as tg:
                waiter = tg.create_task(caught(pool))
                await anyio.sleep(15)
                await pool.discard(first)

            assert isinstance(await waiter, PoolTimeoutError)
            assert anyio.current_time() - since == pytest.approx(50)
            assert pool.statistics().opening == 1  # for the next

    in_virtual_time(scenario)


async def caught(pool: Any) -> Exception | None:
    try:
        await pool.acquire()
    except Exception as error:
        return error
    return None


def test_no_acquire_timeout_is_no_limit(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 10_000
        async with world.pool(acquire_timeout=None) as pool:
            first = await pool.acquire()
            async with create_task_group() as tg:
                handle = tg.create_task(pool.acquire())
                await anyio.sleep(10_000)
                await pool.release(first)
                assert await handle is first

    in_virtual_time(scenario)


def test_more_than_max_waiting_fail_at_once(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(limits=PoolLimits(max_waiting=1)) as pool:
            first = await pool.acquire()
            async with create_task_group() as tg:
                waiter = tg.create_task(pool.acquire())
                await anyio.sleep(1)
                with pytest.raises(
                    PoolFullError,
                    match=r"^1 tasks wait already, as many as max_waiting allows \(0 idle",
                ):
                    await pool.acquire()
                await pool.release(first)
                await waiter

    in_virtual_time(scenario)


def test_max_uses(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(limits=PoolLimits(max_uses=2)) as pool:
            numbers = []
            for _ in range(5):
                async with pool.acquire() as connection:
                    numbers.append(connection.number)

        assert numbers == [1, 1, 2, 2, 3]

    in_virtual_time(scenario)


def test_a_connection_is_not_lent_after_max_lifetime(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        pool = world.pool(limits=PoolLimits(max_lifetime=100, lifetime_jitter=0))
        await pool.release(await pool.acquire())
        await anyio.sleep(99)
        assert (await pool.acquire()).number == 1
        await pool.release(world.opened[0])
        await anyio.sleep(1)
        assert world.open == [1]  # nobody has entered the pool, so nobody looks
        assert (await pool.acquire()).number == 2
        await pool.close()

    in_virtual_time(scenario)


def test_a_connection_that_comes_back_after_max_lifetime_is_closed(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(limits=PoolLimits(max_lifetime=100)) as pool:
            async with pool.acquire():
                await anyio.sleep(101)
            assert world.open == []

    in_virtual_time(scenario)


def test_lifetimes_differ_by_the_jitter(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(20, limits=PoolLimits(max_lifetime=100, lifetime_jitter=0.5)) as pool:
            for connection in [await pool.acquire() for _ in range(20)]:
                await pool.release(connection)
            await anyio.sleep(49)
            assert len(world.open) == 20
            await anyio.sleep(26)
            assert 0 < len(world.open) < 20
            await anyio.sleep(26)
            assert world.open == []

    in_virtual_time(scenario)


def test_idle_connections_are_closed_after_max_idle(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(3, limits=PoolLimits(max_idle=10, min_size=1)) as pool:
            await pool.wait_ready()
            for connection in [await pool.acquire() for _ in range(3)]:
                await pool.release(connection)
            await anyio.sleep(9)
            assert world.open == [1, 2, 3]
            await anyio.sleep(2)
            assert world.open == [3]
            await anyio.sleep(1000)
            assert world.open == [3]

    in_virtual_time(scenario)


def test_outside_the_block_max_idle_is_looked_at_when_lending(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        pool = world.pool(limits=PoolLimits(max_idle=10))
        await pool.release(await pool.acquire())
        await anyio.sleep(10)
        assert (await pool.acquire()).number == 2
        await pool.close()

    in_virtual_time(scenario)


def test_min_size_is_opened_ahead_and_kept(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(5, limits=PoolLimits(min_size=2)) as pool:
            await pool.wait_ready()
            assert world.open == [1, 2]
            await pool.discard(await pool.acquire())
            await anyio.sleep(1)
            assert world.open == [1, 3]

    in_virtual_time(scenario)


def test_min_size_comes_back_after_the_factory_recovers(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.failures = [OSError(number) for number in range(12)]
        async with world.pool(5, limits=PoolLimits(min_size=2)) as pool:
            await pool.wait_ready()
            assert world.open == [1, 2]
            assert world.calls == 14

    in_virtual_time(scenario)


def test_wait_ready_gives_up_after_acquire_timeout(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.failures = [OSError(number) for number in range(1000)]
        async with world.pool(limits=PoolLimits(min_size=1)) as pool:
            with pytest.raises(PoolTimeoutError, match="no connection within 30") as caught:
                await pool.wait_ready()

            assert isinstance(caught.value.__cause__, OSError)
            assert world.calls < 50

    in_virtual_time(scenario)


def test_wait_ready_without_min_size_has_nothing_to_wait_for(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        async with world.pool() as pool:
            await pool.wait_ready()

    in_virtual_time(scenario)


def test_wait_ready_needs_the_block(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        with pytest.raises(
            RuntimeError,
            match=r"^connection pool is not entered; wait_ready\(\) works inside 'async with pool'$",
        ):
            await world.pool(limits=PoolLimits(min_size=1)).wait_ready()

    in_virtual_time(scenario)


def test_expire_all_closes_the_idle_at_once_and_the_lent_when_they_come_back(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(3) as pool:
            first, second = await pool.acquire(), await pool.acquire()
            await pool.release(second)
            await pool.expire_all()
            assert world.open == [1]
            await pool.release(first)
            assert world.open == []
            async with pool.acquire() as connection:
                assert connection.number == 3
            assert world.open == [3]

    in_virtual_time(scenario)


def test_expire_all_meets_what_is_being_opened(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 10
        async with world.pool() as pool, create_task_group() as tg:
            opener = tg.create_task(pool.acquire())
            await anyio.sleep(5)
            await pool.expire_all()
            connection = await opener
            assert not connection.closed
            await pool.release(connection)
            assert connection.closed

    in_virtual_time(scenario)


def test_a_larger_pool_serves_those_who_wait(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool() as pool, create_task_group() as tg:
            await pool.acquire()
            waiters = [tg.create_task(pool.acquire()) for _ in range(3)]
            await anyio.sleep(1)
            await pool.resize(3)
            await anyio.sleep(1)
            assert [waiter.status.name for waiter in waiters] == ["FINISHED", "FINISHED", "PENDING"]
            await pool.resize(4)

        assert pool.statistics().max_connections == 4

    in_virtual_time(scenario)


def test_a_smaller_pool_closes_what_is_too_much(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(4) as pool:
            lent = [await pool.acquire() for _ in range(4)]
            await pool.release(lent[3])
            await pool.resize(2)
            assert world.open == [1, 2, 3]
            await pool.release(lent[2])
            assert world.open == [1, 2]
            await pool.release(lent[1])
            assert world.open == [1, 2]
            assert (await pool.acquire()).number == 2

    in_virtual_time(scenario)


def test_a_pool_is_not_made_smaller_than_min_size(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        async with world.pool(3, limits=PoolLimits(min_size=2)) as pool:
            with pytest.raises(ValueError, match=r"^min_size must be <= max_connections, not 2 and 1$"):
                await pool.resize(1)

    in_virtual_time(scenario)


@pytest.mark.parametrize(
    "limits",
    [
        PoolLimits(max_idle=0),
        PoolLimits(max_idle=0, min_size=1),
        PoolLimits(max_idle=1e-9),
        PoolLimits(max_lifetime=0),
        PoolLimits(max_lifetime=60, lifetime_jitter=1),
    ],
    ids=str,
)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_pool_at_rest_looks_after_nothing(world: Any, limits: PoolLimits, backend: str) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(3, limits=limits) as pool:
            for connection in [await pool.acquire() for _ in range(3)]:
                await pool.release(connection)
            await anyio.sleep(50_000)
            assert pool.statistics().idle == limits.min_size

    explore(scenario, order="fifo", backend=backend, max_steps=100).check()


def test_a_pool_in_use_looks_after_it_at_most_twenty_times_a_second(world: Any) -> None:
    async def scenario() -> None:
        world.reset()
        limits = PoolLimits(max_idle=1e-9, max_lifetime=1e9, lifetime_jitter=1)
        async with world.pool(3, limits=limits, watch=PoolWatch(leak_after=1e-9)) as pool, pool.acquire():
            await anyio.sleep(10)

    explore(scenario, order="fifo", max_steps=700).check()


def test_a_connection_without_time_to_be_idle_is_closed_when_it_comes_back(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(2, limits=PoolLimits(max_idle=0, min_size=1)) as pool:
            await pool.wait_ready()
            first, second = await pool.acquire(), await pool.acquire()
            await pool.release(second)
            assert world.open == [1]
            await pool.release(first)
            assert world.open == [1]

    in_virtual_time(scenario)


def test_a_connection_without_a_lifetime_is_lent_once(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(limits=PoolLimits(max_lifetime=0)) as pool:
            for number in 1, 2, 3:
                async with pool.acquire() as connection:
                    await anyio.sleep(1)
                    assert connection.number == number
                assert world.open == []

    in_virtual_time(scenario)


async def some_lent(pool: Any, number: int) -> list[Any]:
    return [await pool.acquire() for _ in range(number)]


def test_of_less_as_many_are_closed_as_are_too_many(in_virtual_time: Any) -> None:
    class Connection:
        async def close(self) -> None:
            await anyio.sleep(1)

    async def connect() -> Connection:
        return Connection()

    async def scenario() -> None:
        async with ConnectionPool(max_connections=4, connection_factory=connect) as pool:
            for connection in await some_lent(pool, 4):
                await pool.release(connection)
            async with create_task_group() as tg:
                tg.start_soon(pool.resize, 3)
                tg.start_soon(pool.resize, 3)
            assert pool.statistics().idle == 3

        async with ConnectionPool(max_connections=4, connection_factory=connect) as pool:
            lent = await some_lent(pool, 4)
            await pool.release(lent.pop())
            async with create_task_group() as tg:
                tg.start_soon(pool.resize, 3)
                await anyio.sleep(0.5)
                for connection in lent:  # while one is being closed
                    await pool.release(connection)
            assert pool.statistics().idle == 3

    in_virtual_time(scenario)


@pytest.mark.anyio
@pytest.mark.parametrize("limits", [PoolLimits(), PoolLimits(max_idle=60)], ids=["plain", "max_idle"])
async def test_expire_all_reaches_what_was_handed_over_and_not_yet_taken(
    world: Any, limits: PoolLimits
) -> None:
    async def use() -> None:
        async with pool.acquire() as connection:
            got.append(connection.number)

    got: list[int] = []
    async with world.pool(limits=limits) as pool:
        first = await pool.acquire()
        async with create_task_group() as tg:
            tg.start_soon(use)
            await wait_until_blocked()
            await pool.release(first)
            await pool.expire_all()
    assert got == [2]


@pytest.mark.parametrize("limits", [PoolLimits(min_size=1), PoolLimits(min_size=1, max_idle=60)])
def test_expire_all_reaches_what_is_being_opened_ahead(
    world: Any, in_virtual_time: Any, limits: PoolLimits
) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 1
        async with world.pool(limits=limits) as pool:
            await anyio.sleep(0.5)
            await pool.expire_all()
            await pool.wait_ready()
            async with pool.acquire() as connection:
                assert connection.number == 2

    in_virtual_time(scenario)


def test_a_factory_that_hangs_ahead_keeps_nothing_from_being_closed(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        events: list[str] = []
        async with world.pool(
            3,
            limits=PoolLimits(min_size=1, max_idle=2),
            watch=PoolWatch(on_event=lambda event: events.append(event.kind), leak_after=1),
            acquire_timeout=None,
        ) as pool:
            await pool.wait_ready()
            first = await pool.acquire()
            world.takes = 1e6
            await pool.discard(first)  # another is opened ahead
            await anyio.sleep(0.1)
            world.takes = 0
            async with pool.acquire():
                await pool.release(await pool.acquire())
                await anyio.sleep(100)
                assert pool.statistics().idle == 0
                assert events.count("leaked") == 1

    in_virtual_time(scenario)
