"""Who gets which connection, and when."""

import asyncio
import copy
import pickle
import re
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolLimits, PoolTimeoutError
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import start_budget
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_awaiting_acquire_gives_a_connection(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()

        assert connection.number == 1
        await pool.release(connection)


async def test_a_block_gives_back_at_its_end(world: Any) -> None:
    async with world.pool() as pool:
        async with pool.acquire() as connection:
            assert (connection.number, pool.statistics().lent) == (1, 1)

        assert (pool.statistics().lent, pool.statistics().idle) == (0, 1)


async def test_the_one_used_last_is_lent_first(world: Any) -> None:
    async with world.pool(2) as pool:
        first, second = await pool.acquire(), await pool.acquire()
        await pool.release(first)
        await pool.release(second)

        assert await pool.acquire() is second


async def test_fifo_lends_the_one_idle_longest(world: Any) -> None:
    async with world.pool(2, order="fifo") as pool:
        first, second = await pool.acquire(), await pool.acquire()
        await pool.release(first)
        await pool.release(second)

        assert await pool.acquire() is first


async def test_there_are_never_more_than_max_connections(world: Any) -> None:
    async def work() -> None:
        async with pool.acquire():
            assert len(world.open) <= 3
            await anyio.lowlevel.checkpoint()

    async with world.pool(3) as pool, create_task_group() as tg:
        for _ in range(20):
            tg.start_soon(work)

    assert len(world.opened) == 3


async def test_who_waits_is_served_in_order_of_arrival(world: Any) -> None:
    served: list[int] = []

    async def work(number: int) -> None:
        async with pool.acquire():
            served.append(number)

    async with world.pool() as pool:
        connection = await pool.acquire()
        async with create_task_group() as tg:
            for number in range(5):
                tg.start_soon(work, number)
                await wait_until_blocked()
            await pool.release(connection)

    assert served == [0, 1, 2, 3, 4]


async def test_a_newcomer_does_not_overtake_who_waits(world: Any) -> None:
    served: list[str] = []

    async def work(name: str) -> None:
        async with pool.acquire():
            served.append(name)

    async with world.pool() as pool:
        connection = await pool.acquire()
        async with create_task_group() as tg:
            tg.start_soon(work, "first")
            await wait_until_blocked()
            await pool.release(connection)
            await work("newcomer")

    assert served == ["first", "newcomer"]


async def test_cancelled_while_waiting_takes_nothing(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        async with create_task_group() as tg:
            tg.start_soon(pool.acquire)
            await wait_until_blocked()
            tg.cancel_scope.cancel()
        await pool.release(connection)

        assert pool.statistics().idle == 1
        assert await pool.acquire() is connection


async def test_only_leases_count_of_those_who_stand_in_line_behind_others(world: Any) -> None:
    async def use(scope: anyio.CancelScope) -> None:
        with scope:
            async with pool.acquire():
                pass

    scopes = [anyio.CancelScope() for _ in range(6)]
    async with world.pool() as pool:
        async with pool.acquire(), create_task_group() as tg:
            for scope in scopes:
                tg.start_soon(use, scope)
                await wait_until_blocked()
            assert pool.statistics().waiting == 6
            for scope in scopes[1::2]:
                scope.cancel()
            await wait_until_blocked()
            assert pool.statistics().waiting == 3
            # The group waits for them before the connection comes back, so it is discarded.
            tg.start_soon(pool.discard, world.opened[0])
        told = pool.statistics()

    assert (told.waited, told.created, told.reused, told.waiting) == (3, 2, 2, 0)


async def test_who_has_been_served_waits_no_longer(world: Any) -> None:
    async with world.pool(limits=PoolLimits(max_waiting=1)) as pool:
        connection = await pool.acquire()
        async with create_task_group() as tg:
            served = tg.create_task(pool.acquire())
            await wait_until_blocked()
            await pool.release(connection)  # it is the other's now, who has not run since

            with anyio.move_on_after(0) as scope:
                await pool.acquire()

            assert scope.cancelled_caught
            await pool.release(await served)


def test_who_stands_in_line_behind_others_is_late_in_turn(in_virtual_time: Any, make_world: Any) -> None:
    async def scenario() -> None:
        world = make_world()
        late: list[tuple[int, float]] = []

        async def use(number: int) -> None:
            await anyio.sleep(number)
            began = anyio.current_time()
            try:
                async with pool.acquire():
                    await anyio.sleep_forever()
            except PoolTimeoutError:
                late.append((number, anyio.current_time() - began))

        async with world.pool(acquire_timeout=10) as pool, create_task_group() as tg:
            for number in range(5):
                tg.start_soon(use, number)
            await anyio.sleep(60)
            tg.cancel()

        assert late == [(1, 10.0), (2, 10.0), (3, 10.0), (4, 10.0)]

    in_virtual_time(scenario)


async def test_a_connection_handed_to_a_cancelled_task_goes_to_the_next(
    world: Any, anyio_backend_name: str
) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("trio has no native cancellation")
    async with world.pool() as pool:
        connection = await pool.acquire()
        first = asyncio.create_task(pool.acquire())
        second = asyncio.create_task(pool.acquire())
        await wait_until_blocked()
        await pool.release(connection)
        first.cancel()

        assert await second is connection
        with pytest.raises(asyncio.CancelledError):
            await first
        assert pool.statistics().lent == 1


def test_cancelled_while_opening_leaves_the_connection_to_the_next(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 1
        async with world.pool() as pool:
            with anyio.move_on_after(0.5):
                await pool.acquire()
            assert (pool.statistics().opening, pool.statistics().open) == (1, 0)

            await anyio.sleep(0.6)
            assert (pool.statistics().opening, pool.statistics().idle) == (0, 1)
            assert (await pool.acquire()).number == 1

    in_virtual_time(scenario)


def test_a_connection_whose_caller_has_gone_goes_to_the_task_that_has_waited_longest(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 1
        async with world.pool(1) as pool:
            with anyio.move_on_after(0.5):
                await pool.acquire()
            with anyio.move_on_after(0.6):
                assert (await pool.acquire()).number == 1

    in_virtual_time(scenario)


def test_opening_has_a_limit_of_its_own(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 10
        async with world.pool(1, connect_timeout=2) as pool:
            began = anyio.current_time()
            with pytest.raises(TimeoutError, match=r"took longer than connect_timeout, 2 s") as caught:
                await pool.acquire()
            assert not isinstance(caught.value, PoolTimeoutError)
            with anyio.move_on_after(1):
                await pool.acquire()
            await anyio.sleep(1)
            assert anyio.current_time() - began == pytest.approx(4)
            assert (pool.statistics().opening, pool.statistics().failed) == (0, 2)

    in_virtual_time(scenario)


def test_openings_end_with_the_pool(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        world.takes = 10
        began = anyio.current_time()
        async with world.pool(1) as pool:
            with anyio.move_on_after(1):
                await pool.acquire()
        assert anyio.current_time() - began == pytest.approx(1)
        assert (pool.statistics().opening, pool.statistics().open) == (0, 0)

    in_virtual_time(scenario)


async def test_a_block_left_by_an_error_discards_its_connection(world: Any) -> None:
    async with world.pool() as pool:
        with pytest.raises(ValueError, match="mine"):
            async with pool.acquire() as connection:
                raise ValueError("mine")

        assert connection.closed
        assert pool.statistics().discarded == 1
        assert (await pool.acquire()).number == 2


async def test_a_block_left_by_a_cancellation_discards_its_connection(world: Any) -> None:
    async with world.pool() as pool:
        with anyio.CancelScope() as scope:
            async with pool.acquire() as connection:
                scope.cancel()
                await anyio.sleep_forever()

        assert connection.closed
        assert (await pool.acquire()).number == 2


async def test_releasing_in_a_cancelled_scope_gives_back(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.release(connection)

        assert pool.statistics().idle == 1


async def test_a_connection_can_be_released_within_its_block(world: Any) -> None:
    async with world.pool() as pool:
        async with pool.acquire() as connection:
            await pool.release(connection)
            async with pool.acquire() as again:
                assert again is connection

        assert pool.statistics().idle == 1


async def test_the_end_of_a_block_leaves_the_next_lease_alone(world: Any) -> None:
    async with world.pool() as pool:
        async with pool.acquire() as connection:
            await pool.release(connection)
            again = await pool.acquire()

        assert again is connection
        assert pool.statistics().lent == 1


async def test_discarding_closes(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        await pool.discard(connection)

        assert connection.closed
        assert pool.statistics().open == 0


async def test_discarding_within_a_block_is_no_error(world: Any) -> None:
    async with world.pool() as pool:
        async with pool.acquire() as connection:
            await pool.discard(connection)

        assert world.open == []


async def test_the_place_of_a_discarded_connection_goes_to_who_waits(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        async with create_task_group() as tg:
            waiter = tg.create_task(pool.acquire())
            await wait_until_blocked()
            await pool.discard(connection)

            assert (await waiter).number == 2


async def test_a_lease_is_a_coroutine(world: Any) -> None:
    async with world.pool() as pool, create_task_group() as tg:
        handle = await tg.start_soon(pool.acquire)

        assert (await handle).number == 1


async def test_an_error_thrown_into_a_lease_that_waits_takes_nothing(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        lease = pool.acquire()
        lease.send(None)
        with pytest.raises(ValueError, match="thrown"):
            lease.throw(ValueError("thrown"))
        await pool.release(connection)

        assert pool.statistics().idle == 1


async def test_a_lease_that_is_never_awaited_takes_nothing(world: Any) -> None:
    async with world.pool() as pool:
        pool.acquire()

        assert (world.calls, pool.statistics().lent) == (0, 0)


async def test_a_lease_can_be_closed_before_it_began(world: Any) -> None:
    async with world.pool() as pool:
        pool.acquire().close()

        assert world.calls == 0


USED = r"^this lease was used already; call acquire\(\) for each 'async with' or 'await'$"


async def test_a_lease_is_entered_once_at_a_time(world: Any) -> None:
    async with world.pool(2) as pool:
        lease = pool.acquire()
        async with lease:
            with pytest.raises(RuntimeError, match=USED):
                async with lease:
                    pass


async def test_a_lease_is_awaited_once(world: Any) -> None:
    async with world.pool(2) as pool:
        lease = pool.acquire()
        connection = await lease
        for _ in range(2):
            with pytest.raises(RuntimeError, match=USED):
                await lease
            with pytest.raises(RuntimeError, match=USED):
                async with lease:
                    pass

        assert pool.statistics().lent == 1
        await pool.release(connection)


async def test_releasing_twice_is_refused(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        await pool.release(connection)

        with pytest.raises(RuntimeError, match=r"^this connection is not lent; it was given back before$"):
            await pool.release(connection)
        assert pool.statistics().idle == 1


@pytest.mark.parametrize("method", ["release", "discard"])
async def test_a_foreign_connection_is_refused(world: Any, method: str) -> None:
    async with world.pool() as pool:
        with pytest.raises(
            RuntimeError, match=r"^this connection does not belong to this pool, or is closed$"
        ):
            await getattr(pool, method)(object())


async def test_connections_need_not_be_hashable() -> None:
    async def connect() -> list[int]:
        return [1]

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        async with pool.acquire() as connection:
            assert connection == [1]


@pytest.mark.parametrize("form", ["block", "calls"])
async def test_a_task_that_never_waits_passes_a_checkpoint_in_64_leases(world: Any, form: str) -> None:
    leases = 0

    async with world.pool() as pool:
        await pool.release(await pool.acquire())
        with anyio.CancelScope() as scope:
            scope.cancel()
            while leases < 65:
                leases += 1
                if form == "block":
                    async with pool.acquire():
                        pass
                else:
                    await pool.release(await pool.acquire())

        assert scope.cancelled_caught
        assert leases <= 64
        assert (pool.statistics().idle, world.calls) == (1, 1)


async def test_it_says_what_it_holds(world: Any) -> None:
    async with world.pool(2) as pool:
        await pool.acquire()

        assert repr(pool) == "<ConnectionPool 0 idle, 1 lent, 0 opening, 0 closing of at most 2; 0 waiting>"
    assert repr(pool).startswith("<ConnectionPool closed, 0 idle")


@pytest.mark.parametrize("form", ["block", "acquire", "release", "discard", "resize", "expire_all"])
async def test_a_foreign_thread_is_refused(world: Any, anyio_backend_name: str, form: str) -> None:
    async def elsewhere() -> None:
        if form == "block":
            async with pool.acquire():
                pass
        elif form == "acquire":
            await pool.acquire()
        elif form == "resize":
            await pool.resize(3)
        elif form == "expire_all":
            await pool.expire_all()
        else:
            await getattr(pool, form)(lent)

    async with world.pool(2) as pool:
        lent = await pool.acquire()
        await pool.release(await pool.acquire())
        async with pool.acquire(), create_task_group() as tg:
            tg.start_soon(pool.acquire)
            await wait_until_blocked()
            tg.cancel_scope.cancel()

        with pytest.raises(RuntimeError, match=r"^ConnectionPool: .* in thread .*; it belongs to"):
            await anyio.to_thread.run_sync(lambda: anyio.run(elsewhere, backend=anyio_backend_name))
        assert (pool.statistics().lent, pool.statistics().idle) == (1, 1)


@pytest.mark.virtual_time
async def test_a_pool_s_error_can_be_copied_and_pickled(world: Any) -> None:
    async with world.pool(acquire_timeout=0.01) as pool, pool.acquire():
        with pytest.raises(PoolTimeoutError) as caught:
            await pool.acquire()

    for error in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (str(error), error.statistics) == (str(caught.value), caught.value.statistics)


async def test_refused_calls_count_no_lease(world: Any, anyio_backend_name: str) -> None:
    async def intrude() -> None:
        with pytest.raises(RuntimeError):
            async with pool.acquire():
                pass

    async with world.pool() as pool:
        async with pool.acquire(), create_task_group() as tg:
            tg.start_soon(pool.acquire().__aenter__)
            await wait_until_blocked()
            tg.cancel()
        before = pool.statistics().reused
        await anyio.to_thread.run_sync(lambda: anyio.run(intrude, backend=anyio_backend_name))

        assert pool.statistics().reused == before


@pytest.mark.parametrize("budget", [1, 64])
@pytest.mark.parametrize("opened", [0, 1])
async def test_of_two_tasks_that_use_one_lease_at_once_one_is_told(
    world: Any, budget: int, opened: int
) -> None:
    async def use() -> None:
        try:
            async with lease:
                await wait_until_blocked()
        except RuntimeError as error:
            refused.append(str(error))

    refused: list[str] = []
    world.takes = 0.01
    async with world.pool(2) as pool:
        for _ in range(opened):
            await pool.release(await pool.acquire())
        lease = pool.acquire()
        start_budget(budget)
        async with create_task_group() as tg:
            tg.start_soon(use)
            tg.start_soon(use)
        assert len(refused) == 1
        assert re.match(USED, refused[0])
        assert (pool.statistics().idle, pool.statistics().lent) == (1, 0)
