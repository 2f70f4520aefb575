"""What one operation costs does not grow with the number of the others: lines are counted, not seconds."""

import gc
import sys
from collections.abc import Awaitable, Callable
from math import log2
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import (
    ConnectionPool,
    KeyedConnectionPool,
    PoolFactoryError,
    PoolFullError,
    PoolLimits,
    PoolTimeoutError,
    WorkerPool,
)
from pynector.concurrency.primitives import (
    CapacityLimiter,
    Condition,
    Event,
    Lock,
    PriorityQueue,
    Queue,
    Semaphore,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = [pytest.mark.anyio]

FEW, MANY = 100, 800


class Operations:
    """Counts the lines of Python that run within its block, whoever's they are.

    A loop in C (a list that is searched or copied) is no line: what removes from a list is told by its calls
    to `__eq__` instead, where the objects are ours.
    """

    def __enter__(self) -> "Operations":
        self.count = 0
        gc.disable()
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        frame = sys._getframe(1)
        while frame is not None:  # those that run already
            frame.f_trace, frame = self.trace, frame.f_back  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)
        gc.enable()

    def trace(self, frame: Any, event: str, argument: object) -> Any:
        self.count += event == "line"
        return self.trace


class Connection:
    async def close(self) -> None: ...


async def connect(key: object = None) -> Connection:
    return Connection()


async def refuse(key: object = None) -> Connection:
    await checkpoint()
    raise ConnectionError("down")


async def many_wait(number: int, wait: Callable[[], Any]) -> None:
    """Start tasks that wait, and cancel them all."""
    async with create_task_group() as tg:
        for _ in range(number):
            tg.start_soon(wait)
        await wait_until_blocked()
        tg.cancel()


async def lock(number: int) -> None:
    held = Lock()
    async with held:
        await many_wait(number, held.acquire)


async def semaphore(number: int) -> None:
    await many_wait(number, Semaphore(0).acquire)


async def limiter(number: int) -> None:
    await many_wait(number, CapacityLimiter(0).acquire)


async def event(number: int) -> None:
    await many_wait(number, Event().wait)


async def queue(number: int) -> None:
    await many_wait(number, Queue[int](1).get)


async def priority_queue(number: int) -> None:
    await many_wait(number, PriorityQueue[int](1).get)


async def condition(number: int) -> None:
    condition = Condition()

    async def wait() -> None:
        async with condition:
            await condition.wait()

    await many_wait(number, wait)


async def pool(number: int) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool, pool.acquire():
        await many_wait(number, lambda: _acquired(pool))


async def _acquired(pool: Any, *key: object) -> None:
    async with pool.acquire(*key):
        pass


async def pool_that_runs_out_of_time(number: int) -> None:
    async def late() -> None:
        with pytest.raises(PoolTimeoutError):
            await _acquired(pool)

    async with (
        ConnectionPool(max_connections=1, connection_factory=connect, acquire_timeout=0.2) as pool,
        pool.acquire(),
        create_task_group() as tg,
    ):
        for _ in range(number):
            tg.start_soon(late)


async def pool_that_is_full(number: int) -> None:
    limits = PoolLimits(max_waiting=0)
    async with (
        KeyedConnectionPool(
            max_connections=number, max_per_key=1, connection_factory=connect, limits=limits
        ) as pool,
        create_task_group() as tg,
    ):
        for key in range(number):
            tg.start_soon(_hold, pool, key)
        await wait_until_blocked()
        for key in range(number):
            with pytest.raises(PoolFullError):
                await _acquired(pool, key)
        tg.cancel()


async def _hold(pool: Any, key: object) -> None:
    async with pool.acquire(key):
        await anyio.sleep_forever()


async def host_that_is_down(number: int) -> None:
    """Of many hosts one is down, while tasks wait for it."""

    async def to_host(key: int) -> Connection:
        return await (refuse() if key < 0 else connect())

    async def wait() -> None:
        with pytest.raises((ConnectionError, PoolFactoryError)):
            await _acquired(pool, -1)

    async with KeyedConnectionPool(
        max_connections=2 * number, max_per_key=2, connection_factory=to_host
    ) as pool:
        for key in range(number):
            await _acquired(pool, key)
        async with create_task_group() as tg:
            for _ in range(number):
                tg.start_soon(wait)


async def workers_by_priority(number: int) -> None:
    async with WorkerPool(1, anyio.sleep, priorities=True, max_queue=None) as pool:
        await pool.submit(3600)
        with anyio.CancelScope() as scope:
            async with create_task_group() as tg:
                tg.start_soon(pool.map, [0] * number)
                await wait_until_blocked()
                scope.cancel()
        await pool.stop(grace=0)


async def workers_in_turn(number: int) -> None:
    async with WorkerPool(1, anyio.sleep, max_queue=None) as pool:
        await pool.submit(3600)
        for _ in range(number):
            pool.submit_nowait(0)
        with anyio.CancelScope() as scope:
            async with create_task_group() as tg:
                tg.start_soon(pool.map, [0] * number)
                await wait_until_blocked()
                scope.cancel()
        await pool.stop(grace=0)


async def handle(number: int) -> None:
    async with WorkerPool(1, anyio.sleep) as pool:
        item = await pool.submit(3600)

        async def wait() -> None:
            await item

        await many_wait(number, wait)
        await pool.stop(grace=0)


async def failing_children(number: int) -> None:
    async def fail() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError

    with pytest.raises(ExceptionGroup):
        async with create_task_group() as tg:
            for _ in range(number):
                tg.start_soon(fail)
            await wait_until_blocked()
            tg.cancel()


GROWING: tuple[Callable[[int], Awaitable[None]], ...] = (
    lock,
    semaphore,
    limiter,
    event,
    queue,
    priority_queue,
    condition,
    pool,
    pool_that_runs_out_of_time,
    pool_that_is_full,
    host_that_is_down,
    workers_by_priority,
    workers_in_turn,
    handle,
    failing_children,
)


@pytest.mark.parametrize("grow", GROWING, ids=lambda grow: grow.__name__)
async def test_an_operation_costs_no_more_among_many_others(grow: Callable[[int], Awaitable[None]]) -> None:
    await grow(FEW)  # what is imported or made once
    with Operations() as few:
        await grow(FEW)
    with Operations() as many:
        await grow(MANY)

    allowed = MANY / FEW * log2(MANY) / log2(FEW)
    assert many.count / few.count <= allowed, (few.count, many.count)


async def nested(make: Callable[[], Any], depth: int) -> None:
    """Groups in each other, each with an error of its own."""
    async with make() as tg:
        if depth:
            tg.start_soon(nested, make, depth - 1)
        else:
            tg.cancel_scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError(depth)


async def test_nested_groups_cost_no_more_than_those_of_anyio() -> None:
    """Which look at all errors on each level, too."""
    counts = dict[Any, int]()
    for make in create_task_group, anyio.create_task_group:
        with Operations() as operations, pytest.raises(BaseExceptionGroup):
            await nested(make, 60)
        counts[make] = operations.count

    assert counts[create_task_group] < 4 * counts[anyio.create_task_group], counts
