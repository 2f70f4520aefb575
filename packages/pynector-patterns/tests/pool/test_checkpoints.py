"""What does not wait passes a checkpoint all the same, at least once in 64 times."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError

from pynector.concurrency.patterns import (
    ConnectionPool,
    KeyedConnectionPool,
    PoolFullError,
    PoolLimits,
    PoolWatch,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import start_budget

pytestmark = pytest.mark.anyio

ROUNDS = 10
FULL = PoolLimits(max_waiting=0)


async def connect(_: object = None) -> object:
    return object()


def pool(**options: Any) -> ConnectionPool[object]:
    return ConnectionPool(max_connections=1, connection_factory=connect, **options)


def keyed(**options: Any) -> KeyedConnectionPool[str, object]:
    return KeyedConnectionPool(max_per_key=1, max_connections=1, connection_factory=connect, **options)


async def times_that_another_ran(call: Callable[[], Awaitable[object]]) -> int:
    """Make 64 calls, and 64 more, and tell how often another task ran meanwhile."""
    times, is_over = 0, False

    async def other() -> None:
        nonlocal times
        while not is_over:
            times += 1
            await anyio.lowlevel.checkpoint()

    async with create_task_group() as tg:
        tg.start_soon(other)
        await anyio.lowlevel.checkpoint()
        before = times
        for _ in range(64 * ROUNDS):
            with suppress(PoolFullError, ClosedResourceError):
                await call()
        is_over = True
        return times - before


async def test_refusing_who_would_wait() -> None:
    async with pool(limits=FULL) as full, keyed(limits=FULL) as keyed_full:
        await full.acquire()
        await keyed_full.acquire("key")

        assert await times_that_another_ran(full.acquire) >= ROUNDS - 1
        assert await times_that_another_ran(lambda: keyed_full.acquire("key")) >= ROUNDS - 1


async def test_refusing_after_the_end() -> None:
    closed, keyed_closed = pool(), keyed()
    await closed.close()
    await keyed_closed.close()

    for call in closed.acquire, lambda: keyed_closed.acquire("key"), closed.expire_all, closed.wait_ready:
        assert await times_that_another_ran(call) >= ROUNDS - 1


async def test_closing_again() -> None:
    for closed in pool(), keyed():
        await closed.close()

        assert await times_that_another_ran(closed.close) >= ROUNDS - 1


@pytest.mark.parametrize("watch", [PoolWatch(), PoolWatch(timed=True)], ids=["", "timed"])
async def test_lending_what_is_free(watch: PoolWatch) -> None:
    async with pool(watch=watch) as one, keyed(watch=watch) as other:

        async def use() -> None:
            async with one.acquire():
                pass

        async def use_key() -> None:
            async with other.acquire("key"):
                pass

        for call in use, use_key:
            assert await times_that_another_ran(call) >= ROUNDS - 1


async def test_changing_what_need_not_change() -> None:
    async with pool() as one, keyed() as other:
        for call in lambda: one.resize(1), one.expire_all, one.wait_ready, other.expire_all:
            assert await times_that_another_ran(call) >= ROUNDS - 1


@pytest.mark.parametrize("awaited", [False, True])
async def test_a_task_that_is_to_pass_one_each_time_gets_a_connection_all_the_same(awaited: bool) -> None:
    one = ConnectionPool(max_connections=64, connection_factory=connect)
    calls = [0] * 64

    async def use(number: int) -> None:
        while min(calls) < 5 and max(calls) < 500:  # of 64 calls, one by each, the last is always of the same
            if awaited:
                await one.release(await one.acquire())
            else:
                async with one.acquire():
                    pass
            calls[number] += 1
            await anyio.lowlevel.checkpoint()

    async with one:
        async with one.acquire():
            pass
        start_budget(64)
        async with create_task_group() as tg:
            for number in range(64):
                tg.start_soon(use, number)

    assert min(calls) >= 5
