"""Scenarios of the patterns: each uses a fresh object from a few tasks, and asserts what must hold."""

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from anyio import BrokenResourceError, ClosedResourceError

from pynector.concurrency.patterns import (
    ConnectionPool,
    PoolFactoryError,
    WorkerPool,
    parallel_requests,
    retry_with_timeout,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint
from pynector.concurrency.testing import invariant


class Connection:
    """Knows who uses it, and whether it is open."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.users = 0
        self.closed = False

    async def ask(self) -> None:
        assert not self.closed, "a closed connection was lent"
        self.users += 1
        assert self.users == 1, "two users of one connection"
        try:
            await checkpoint()
        finally:
            self.users -= 1

    async def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True
        try:
            await checkpoint()
        finally:  # a native cancellation cannot be kept out, not even by a shield
            self.world.open -= 1


class World:
    """Opens connections, and counts them from the first step of opening to the last step of closing."""

    def __init__(self, limit: int, fails: int = 0) -> None:
        self.limit = limit
        self.fails = fails
        self.open = 0
        invariant(self.check)

    def check(self) -> None:
        assert self.open <= self.limit, f"{self.open} connections, {self.limit} allowed"

    async def connect(self) -> Connection:
        self.open += 1
        try:
            await checkpoint()
            if self.fails:
                self.fails -= 1
                raise ConnectionError("refused")
            return Connection(self)
        except BaseException:
            self.open -= 1
            raise

    def pool(self) -> ConnectionPool[Connection]:
        return ConnectionPool(
            max_connections=self.limit, connection_factory=self.connect, acquire_timeout=None
        )


async def probe(pool: ConnectionPool[Connection], world: World) -> None:
    """All places can be had: none was lost."""
    held = [await pool.acquire() for _ in range(world.limit)]
    for connection in held:
        await pool.release(connection)


async def pool_loses_no_place() -> None:
    world = World(2)
    async with world.pool() as pool:

        async def user() -> None:
            async with pool.acquire() as connection:
                await connection.ask()

        async with create_task_group() as tg:
            for _ in range(4):
                tg.start_soon(user)
        await probe(pool, world)
    assert world.open == 0


async def pool_survives_a_failing_factory() -> None:
    world = World(1, fails=2)
    async with world.pool() as pool:

        async def user() -> None:
            try:
                async with pool.acquire() as connection:
                    await connection.ask()
            except (ConnectionError, PoolFactoryError):
                pass  # the opener gets the error itself, who waits gets it as the cause

        async with create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(user)
        world.fails = 0
        await probe(pool, world)
    assert world.open == 0


async def pool_takes_back_what_acquire_gave() -> None:
    world = World(1)
    async with world.pool() as pool:

        async def user() -> None:
            connection = await pool.acquire()
            try:
                await connection.ask()
            finally:
                with anyio.CancelScope(shield=True):
                    await pool.release(connection)

        async with create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(user)
        await probe(pool, world)
    assert world.open == 0


async def closing_the_pool_wakes_all() -> None:
    world = World(1)
    pool = world.pool()
    refused = 0

    async def user() -> None:
        nonlocal refused
        try:
            async with pool.acquire() as connection:
                await connection.ask()
        except ClosedResourceError:
            refused += 1

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(user)
        await checkpoint()
        await checkpoint()
        with anyio.CancelScope(shield=True):
            await pool.close()
    with anyio.CancelScope(shield=True):
        await pool.close()
    assert world.open == 0


async def map_keeps_order_and_bound() -> None:
    running = 0

    async def double(number: int) -> int:
        nonlocal running
        running += 1
        assert running <= 2
        try:
            await checkpoint()
        finally:
            running -= 1
        return number * 2

    async def caller() -> None:
        with suppress(BrokenResourceError):  # one of its own tasks was cancelled from outside: it says so
            assert await parallel_requests(range(4), double, max_concurrency=2) == [0, 2, 4, 6]

    async with create_task_group() as tg:
        tg.start_soon(caller)
    assert running == 0


async def map_over_an_async_input() -> None:
    closed = False

    async def numbers() -> AsyncIterator[int]:
        nonlocal closed
        try:
            for number in range(3):
                await checkpoint()
                yield number
        finally:
            closed = True

    began = False

    async def same(number: int) -> int:
        nonlocal began
        began = True
        await checkpoint()
        return number

    async def caller() -> None:
        with suppress(BrokenResourceError):
            assert await parallel_requests(numbers(), same, max_concurrency=2) == [0, 1, 2]

    async with create_task_group() as tg:
        tg.start_soon(caller)
    assert closed or not began


async def map_stops_at_the_first_error() -> None:
    running = 0

    async def fail(number: int) -> int:
        nonlocal running
        running += 1
        try:
            await checkpoint()
            if number == 1:
                raise ValueError(number)
            await anyio.sleep(1)
            return number
        finally:
            running -= 1

    async def caller() -> None:
        try:
            await parallel_requests(range(4), fail, max_concurrency=2)
        except (ValueError, BrokenResourceError):
            assert running == 0

    async with create_task_group() as tg:
        tg.start_soon(caller)
    assert running == 0


async def workers_do_each_item_once() -> None:
    done: list[int] = []
    submitted: list[int] = []
    running = 0

    async def work(item: int) -> int:
        nonlocal running
        running += 1
        assert running <= 2
        try:
            await checkpoint()
        finally:
            running -= 1
        done.append(item)
        return item

    try:
        async with WorkerPool(num_workers=2, worker_func=work, max_queue=1) as pool:

            async def producer(first: int) -> None:
                for item in first, first + 1:
                    await pool.submit(item)
                    submitted.append(item)

            async with create_task_group() as tg:
                tg.start_soon(producer, 0, name="producer")
                tg.start_soon(producer, 10, name="producer")
    except* (BrokenResourceError, ClosedResourceError):
        pass  # a worker itself was cancelled: the pool says so, and takes no more
    else:
        left = set(submitted) - set(done) - set(pool.unprocessed)
        assert not left, f"submitted and lost: {left}"
    assert len(set(done)) == len(done), f"twice: {done}"


async def retry_leaves_nothing_behind() -> None:
    attempts = 0
    inside = 0

    async def flaky() -> int:
        nonlocal attempts, inside
        attempts += 1
        inside += 1
        try:
            await checkpoint()
            if attempts == 1:
                raise ConnectionError
            if attempts == 2:
                await anyio.sleep(60)
            return attempts
        finally:
            inside -= 1

    async def caller() -> None:
        assert await retry_with_timeout(flaky, max_retries=3, timeout=1.0) == 3

    async with create_task_group() as tg:
        tg.start_soon(caller)
    assert inside == 0


SCENARIOS = (
    pool_loses_no_place,
    pool_survives_a_failing_factory,
    pool_takes_back_what_acquire_gave,
    closing_the_pool_wakes_all,
    map_keeps_order_and_bound,
    map_over_an_async_input,
    map_stops_at_the_first_error,
    workers_do_each_item_once,
    retry_leaves_nothing_behind,
)
