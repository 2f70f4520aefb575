"""How connections are opened, and what a factory that fails does to those who wait."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolFactoryError, PoolTimeoutError
from pynector.concurrency.task import TaskGroup, TaskHandle, create_task_group
from pynector.concurrency.task.lowlevel import current_task
from pynector.concurrency.testing import cancel_everywhere, invariant, wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_an_error_of_the_factory_reaches_the_caller_and_frees_the_place(world: Any) -> None:
    world.failures = [OSError("refused")]
    async with world.pool() as pool:
        with pytest.raises(OSError, match=r"^refused$"):
            await pool.acquire()

        assert pool.statistics().opening == 0
        assert (await pool.acquire()).number == 1


async def test_a_failing_factory_fails_those_who_wait_at_once(world: Any) -> None:
    world.failures = [OSError("refused")]
    errors: list[Exception] = []

    async def work() -> None:
        try:
            await pool.acquire()
        except Exception as error:
            errors.append(error)

    async with world.pool() as pool, create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(work)

    assert world.calls == 1
    assert [type(error) for error in errors] == [OSError, PoolFactoryError, PoolFactoryError]
    assert errors[1].__cause__ is errors[2].__cause__ is errors[0]
    assert str(errors[1]).startswith("connection_factory failed: OSError('refused') (0 idle, 0 lent")


async def test_a_failing_factory_leaves_those_alone_who_can_still_be_served(world: Any) -> None:
    async with world.pool(2) as pool:
        connection = await pool.acquire()
        world.failures = [OSError("refused")]
        async with create_task_group() as tg:
            outcomes = [tg.create_task(outcome(pool)) for _ in range(2)]

        values = {type(each.return_value).__name__: each.return_value for each in outcomes}
        assert str(values["OSError"]) == "refused"
        assert values["Connection"].number == 2
        await pool.release(connection)


async def outcome(pool: Any) -> Any:
    try:
        return await pool.acquire()
    except Exception as error:
        return error


async def test_a_failing_factory_is_tried_by_one_task_at_a_time(world: Any) -> None:
    world.failures = [OSError(number) for number in range(4)]
    async with world.pool(4) as pool:
        assert isinstance(await outcome(pool), OSError)
        async with create_task_group() as tg:
            outcomes = [tg.create_task(outcome(pool)) for _ in range(4)]

        assert world.calls == 2
        kinds = sorted(type(each.return_value).__name__ for each in outcomes)
        assert kinds == ["OSError"] + 3 * ["PoolFactoryError"]


async def let_one_pause(world: Any, pool: Any, tg: TaskGroup) -> TaskHandle[Any]:
    """Start one who calls the factory, and fails, and a waiter who gets its place then; it pauses now."""
    tg.start_soon(outcome, pool)
    await anyio.sleep(world.takes / 2)
    waiter = tg.create_task(outcome(pool))
    await anyio.sleep(world.takes)
    return waiter


async def fail(pool: Any, times: int) -> None:
    """Let the factory fail for so many seconds; after 7, waiters leave it alone for half a second or more."""
    for _ in range(times):
        await anyio.sleep(2)
        assert isinstance(await outcome(pool), OSError)


def test_who_comes_to_a_free_place_is_told_at_once_what_the_factory_says(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        world.failures = [OSError(number) for number in range(20)]
        async with world.pool(acquire_timeout=0.1) as pool:
            since = anyio.current_time()
            for _ in range(20):
                assert isinstance(await outcome(pool), OSError)
            assert (await pool.acquire()).number == 1
            assert anyio.current_time() == since

    in_virtual_time(scenario)


def test_waiters_leave_a_factory_alone_no_longer_than_it_has_been_failing(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(2) as pool:
            lent = await pool.acquire()
            world.failures = [OSError(number) for number in range(100)]
            world.takes = 0.01
            since = anyio.current_time()
            while anyio.current_time() < since + 0.1:
                assert isinstance(await outcome(pool), OSError)
            async with create_task_group() as tg:
                waiter = await let_one_pause(world, pool, tg)
                world.failures.clear()
                assert (await waiter).number == 2

            assert anyio.current_time() < since + 0.4
            await pool.release(lent)

    in_virtual_time(scenario)


def test_a_connection_that_comes_back_ends_the_pause_of_a_waiter_who_is_to_open_one(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(2) as pool:
            lent = await pool.acquire()
            world.failures = [OSError(number) for number in range(100)]
            await fail(pool, 7)
            world.takes = 0.1
            async with create_task_group() as tg:
                waiter = await let_one_pause(world, pool, tg)
                assert pool.statistics().opening == 1
                calls, since = world.calls, anyio.current_time()
                await pool.release(lent)
                assert await waiter is lent

            assert anyio.current_time() == since
            assert world.calls == calls
            assert pool.statistics().opening == 0

    in_virtual_time(scenario)


def test_a_time_out_has_the_last_error_of_the_factory_as_its_cause(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(2, acquire_timeout=0.2) as pool:
            await pool.acquire()
            world.failures = failures = [OSError(number) for number in range(100)]
            last = failures[7]
            await fail(pool, 7)
            world.takes = 0.1
            async with create_task_group() as tg:
                error = await (await let_one_pause(world, pool, tg))

            assert isinstance(error, PoolTimeoutError)
            assert error.__cause__ is last
            assert str(error).startswith(
                "no connection within 0.2 s; connection_factory failed last with OSError(7) (0 idle, 1 lent"
            )
            assert error.statistics.failed == world.calls - 1 == 8

    in_virtual_time(scenario)


async def test_a_factory_that_recovers_serves_all_who_wait(world: Any) -> None:
    world.failures = [OSError("refused")]
    async with world.pool(4) as pool:
        assert isinstance(await outcome(pool), OSError)
        async with create_task_group() as tg:
            outcomes = [tg.create_task(outcome(pool)) for _ in range(4)]

        assert sorted(each.return_value.number for each in outcomes) == [1, 2, 3, 4]


async def test_a_factory_that_gives_one_connection_twice_is_refused() -> None:
    connection = "the same"

    async def connect() -> str:
        return connection

    async with ConnectionPool(max_connections=2, connection_factory=connect) as pool:
        await pool.acquire()
        with pytest.raises(
            RuntimeError,
            match=r"^connection_factory gave 'the same' a second time; each call must open",
        ):
            await pool.acquire()


async def test_a_factory_that_gives_neither_awaitable_nor_context_manager_is_refused() -> None:
    async with ConnectionPool(max_connections=1, connection_factory=lambda: 1) as pool:  # type: ignore[call-overload]
        with pytest.raises(
            TypeError,
            match=r"^connection_factory must be an async function or give .*: .*<lambda>\(\) gave 1$",
        ):
            await pool.acquire()


class Managed:
    """A factory of connections that live in a block with a task group."""

    def __init__(self) -> None:
        self.entered: list[Any] = []
        self.left: list[Any] = []
        self.groups: list[Any] = []
        self.fail_on_entering = self.fail_on_leaving = False

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[int]:
        async with anyio.create_task_group() as tg:
            if self.fail_on_entering:
                raise OSError("refused")
            self.groups.append(tg)
            self.entered.append(current_task())
            tg.start_soon(anyio.sleep_forever)
            try:
                yield len(self.entered)
            finally:
                self.left.append(current_task())
                tg.cancel_scope.cancel()
                if self.fail_on_leaving:
                    raise OSError("broken pipe")


@pytest.fixture
def managed() -> Managed:
    return Managed()


async def test_a_context_manager_is_entered_and_left_in_one_task_of_its_own(managed: Managed) -> None:
    async with ConnectionPool(max_connections=2, connection_factory=managed.connect) as pool:
        async with pool.acquire(), pool.acquire() as second:
            assert second == 2

    assert set(managed.entered) == set(managed.left)
    assert len({*managed.entered, current_task()}) == 3


async def test_a_sync_context_manager_will_do() -> None:
    events: list[str] = []

    @contextmanager
    def connect() -> Iterator[str]:
        events.append("entered")
        yield "connection"
        events.append("left")

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        async with pool.acquire() as connection:
            assert connection == "connection"

    assert events == ["entered", "left"]


async def test_a_context_manager_needs_the_pool_to_be_entered(managed: Managed) -> None:
    pool = ConnectionPool(max_connections=1, connection_factory=managed.connect)

    with pytest.raises(
        RuntimeError,
        match=r"^connection_factory gives a context manager, which needs a task to live in;"
        r" acquire connections inside 'async with pool'$",
    ):
        await pool.acquire()
    await pool.close()


async def test_a_context_manager_that_fails_on_entering_fails_the_caller(managed: Managed) -> None:
    managed.fail_on_entering = True
    async with ConnectionPool(max_connections=1, connection_factory=managed.connect) as pool:
        with pytest.raises(OSError, match="refused"):  # not in the group of one that its task group raised
            await pool.acquire()

        assert pool.statistics().opening == 0


async def test_a_context_manager_that_fails_on_leaving_frees_the_place(managed: Managed) -> None:
    managed.fail_on_leaving = True
    async with ConnectionPool(max_connections=1, connection_factory=managed.connect) as pool:
        await pool.discard(await pool.acquire())

        assert await pool.acquire() == 2


async def test_closing_leaves_a_context_manager_that_is_being_entered() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def connect() -> AsyncIterator[None]:
        try:
            await anyio.sleep_forever()
            yield
        finally:
            events.append("left")

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        with anyio.CancelScope() as scope:
            async with create_task_group() as tg:
                tg.start_soon(pool.acquire)
                await wait_until_blocked()
                scope.cancel()
        assert events == []

    assert events == ["left"]
    assert pool.statistics().opening == 0


async def test_the_users_scope_does_not_reach_into_the_connection(managed: Managed) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=managed.connect) as pool:
        with anyio.CancelScope() as scope:
            connection = await pool.acquire()
            scope.cancel()
        await pool.release(connection)

        assert managed.left == []
        assert await pool.acquire() == connection


async def test_an_idle_connection_whose_block_ends_by_itself_is_gone(managed: Managed) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=managed.connect) as pool:
        await pool.release(await pool.acquire())
        managed.groups[0].cancel_scope.cancel()
        await wait_until_blocked()

        assert (pool.statistics().open, pool.statistics().discarded) == (0, 1)
        assert await pool.acquire() == 2


async def test_a_lent_connection_whose_block_ends_by_itself_is_not_lent_again(managed: Managed) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=managed.connect) as pool:
        connection = await pool.acquire()
        managed.groups[0].cancel_scope.cancel()
        await wait_until_blocked()
        await pool.release(connection)

        assert await pool.acquire() == 2


class Guarded:
    """A factory of context managers of which one may be open at a time, slow to enter and to leave."""

    def __init__(self) -> None:
        self.open = 0
        invariant(self.check)

    def check(self) -> None:
        assert self.open <= 1, f"{self.open} are open, 1 is allowed"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[object]:
        self.open += 1
        try:
            await anyio.sleep(2)
            yield object()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(2)
            self.open -= 1


@pytest.mark.parametrize("close_timeout", [1, 10])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_place_of_a_context_manager_is_free_when_that_has_been_left(
    backend: str, close_timeout: float
) -> None:
    async def scenario() -> None:
        guarded = Guarded()
        async with ConnectionPool(
            max_connections=1, connection_factory=guarded.connect, close_timeout=close_timeout
        ) as pool:
            async with create_task_group() as tg:
                for delay in 0, 1, 3:
                    tg.start_soon(apart, pool, delay)
            async with pool.acquire():
                assert pool.statistics().closing == 0
        assert (guarded.open, pool.statistics().closing) == (0, 0)

    async def apart(pool: ConnectionPool[object], delay: float) -> None:
        async with create_task_group() as tg:
            tg.start_soon(user, pool, delay)

    async def user(pool: ConnectionPool[object], delay: float) -> None:
        await anyio.sleep(delay)
        async with pool.acquire():
            await anyio.sleep(1)

    faults = ["scope"] if backend == "trio" else ["scope", "native", "both", "twice", "again"]
    cancel_everywhere(scenario, faults=faults, victims=lambda task: task == "user", backend=backend).check()


async def test_a_context_manager_that_gives_a_connection_twice_is_left_again() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def connect() -> AsyncIterator[str]:
        events.append("entered")
        yield "the same"
        events.append("left")

    async with ConnectionPool(max_connections=2, connection_factory=connect) as pool:
        await pool.acquire()
        with pytest.raises(RuntimeError, match="a second time"):
            await pool.acquire()

        assert events == ["entered", "entered", "left"]
        assert pool.statistics().opening == pool.statistics().closing == 0


def test_the_pause_of_those_who_are_to_open_ends_when_the_factory_works_again(in_virtual_time: Any) -> None:
    """Somebody else sees first that it does: one whose connection failed its check."""

    async def scenario() -> None:
        numbers, bad, is_down = count(1), set[int](), False

        async def connect() -> list[int]:
            await anyio.sleep(0.01)
            if is_down:
                raise OSError("refused")
            return [next(numbers)]

        async def check(connection: list[int]) -> bool:
            await anyio.sleep(1)
            return connection[0] not in bad

        async def fail() -> None:
            with pytest.raises(OSError, match=r"^refused$"):
                await pool.acquire()

        async def use() -> None:
            async with pool.acquire():
                served.append(anyio.current_time() - began)

        served: list[float] = []
        async with ConnectionPool(max_connections=2, connection_factory=connect, check=check) as pool:
            first, second = await pool.acquire(), await pool.acquire()
            await pool.discard(first)
            is_down = True
            for _ in range(8):  # so the pause is long
                await fail()
                await anyio.sleep(3)
            bad.add(second[0])
            await pool.release(second)
            began = anyio.current_time()
            async with create_task_group() as tg:
                tg.start_soon(use)  # its check says after a second that the connection is bad
                await anyio.sleep(0.9)
                tg.start_soon(fail)
                await anyio.sleep(0.005)
                tg.start_soon(use)  # waits, gets the place, and pauses
                await anyio.sleep(0.05)
                is_down = False
        assert len(served) == 2
        assert max(served) < 1.1

    in_virtual_time(scenario)
