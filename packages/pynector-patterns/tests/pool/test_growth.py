"""What is done for one connection does not grow with their number: lines are counted, not time."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, PoolLimits, PoolWatch
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import OPERATIONS_PER_CHECKPOINT, start_budget
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

FEW, MANY = 10, 500
OURS = "pynector.concurrency."
TESTING = f"{OURS}testing"


class Connection:
    async def close(self) -> None: ...


async def connect(key: object = None) -> Connection:
    return Connection()


class Counter:
    """Counts our lines that run within its block, one that is a loop each time.

    Not those of `wait_until_blocked`, which goes on for as long as it takes, nor those of garbage that goes.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Counter":
        start_budget(OPERATIONS_PER_CHECKPOINT)  # no checkpoint comes due within
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        module: str = frame.f_globals["__name__"]
        if not module.startswith(OURS) or module.startswith(TESTING) or frame.f_code.co_name == "__del__":
            return None
        self.count += event == "line"
        return self.trace


Measure = Callable[[int], Awaitable[int]]


async def use(pool: Any, *key: object) -> None:
    async with pool.acquire(*key):
        pass


async def count(*uses: Callable[[], Awaitable[object]]) -> int:
    with Counter() as counter:
        for each in uses:
            await each()
    return counter.count


async def lend(number: int, **options: Any) -> int:
    async with ConnectionPool(max_connections=number, connection_factory=connect, **options) as pool:
        lent = [await pool.acquire() for _ in range(number)]
        for connection in lent:
            await pool.release(connection)
        return await count(*[lambda: use(pool)] * 5)


async def open_one_more(number: int, **options: Any) -> int:
    async with ConnectionPool(max_connections=number + 1, connection_factory=connect, **options) as pool:
        for _ in range(number):
            await pool.acquire()
        await wait_until_blocked()
        return await count(pool.acquire, wait_until_blocked)


def keyed(number: int, **options: Any) -> KeyedConnectionPool[object, Connection]:
    return KeyedConnectionPool(
        max_per_key=min(2, number), max_connections=number, connection_factory=connect, **options
    )


async def lend_by_key(number: int) -> int:
    async with keyed(number) as pool:
        for key in range(number):
            await use(pool, key)
        return await count(*[lambda: use(pool, 3)] * 5)


async def make_room_for_a_key(number: int) -> int:
    async with keyed(number) as pool:
        for key in range(number):
            await use(pool, key)
        await wait_until_blocked()
        return await count(lambda: use(pool, "new"), wait_until_blocked)


async def make_room_where_all_but_one_are_lent(number: int) -> int:
    async with keyed(number) as pool:
        for key in range(number - 1):
            await pool.acquire(key)
        await use(pool, "last")
        await wait_until_blocked()
        return await count(lambda: use(pool, "new"), wait_until_blocked)


async def come_back_while_many_keys_wait(number: int, *, own_first: bool) -> int:
    async with keyed(1) as pool, create_task_group() as tg:
        connection = await pool.acquire("own")
        for key in ("own", *range(number)) if own_first else (*range(number), "own"):
            tg.start_soon(use, pool, key)
            await wait_until_blocked()
        counted = await count(lambda: pool.release(connection))
        tg.cancel_scope.cancel()
    return counted


ENDS = PoolLimits(max_idle=60, max_lifetime=3600)

CASES: dict[str, Measure] = {
    "lend": lend,
    "lend the one that was idle longest": lambda number: lend(number, order="fifo"),
    "lend one that may be too old": lambda number: lend(number, limits=ENDS),
    "open one that may be idle too long": lambda number: open_one_more(number, limits=ENDS),
    "open one that may leak": lambda number: open_one_more(number, watch=PoolWatch(leak_after=60)),
    "lend to one of many keys": lend_by_key,
    "make room for a key": make_room_for_a_key,
    "make room where all but one are lent": make_room_where_all_but_one_are_lent,
    "come back for a task of its own while many keys wait": partial(
        come_back_while_many_keys_wait, own_first=True
    ),
    "come back while many keys have waited longer": partial(come_back_while_many_keys_wait, own_first=False),
}


@pytest.mark.parametrize("case", CASES)
async def test_it_costs_the_same_whatever_there_is_beside(case: str) -> None:
    few, many = await CASES[case](FEW), await CASES[case](MANY)
    assert many <= 1.2 * few, f"{few} lines with {FEW}, {many} with {MANY}"
