"""What it costs to put items in a queue and take them out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

import anyio
import trio
from bare import Room, RoomInTurn, limits
from harness import ASYNCIO, TRIO, Row, Table, Work

from pynector.concurrency.primitives import PriorityQueue, Queue

ITEMS = 2000


class Stream:
    """The two ends of a memory stream or channel, with a queue's methods."""

    def __init__(self, ends: tuple[Any, Any]) -> None:
        self.send, self.receive = ends
        self.put, self.put_nowait = self.send.send, self.send.send_nowait
        self.get, self.get_nowait = self.receive.receive, self.receive.receive_nowait

    def __del__(self) -> None:
        self.send.close()
        self.receive.close()


async def run(funcs: list[Callable[[], Awaitable[object]]]) -> None:
    """Run all in a group of AnyIO's."""
    async with anyio.create_task_group() as tg:
        for func in funcs:
            tg.start_soon(func)


def anyio_stream() -> Stream:
    return Stream(anyio.create_memory_object_stream[int](10))


def trio_channel() -> Stream:
    return Stream(trio.open_memory_channel[int](10))


def in_turn(make: Callable[[], Any]) -> Callable[[], Work]:
    """Put an item in and take it out, again and again."""

    def prepare() -> Work:
        queue = make()

        async def work() -> None:
            for item in range(ITEMS):
                await queue.put(item)
                await queue.get()

        return work

    return prepare


def in_turn_at_once(make: Callable[[], Any]) -> Callable[[], Work]:
    """The same by the methods that never wait."""

    def prepare() -> Work:
        queue = make()

        async def work() -> None:
            for item in range(ITEMS):
                queue.put_nowait(item)
                queue.get_nowait()

        return work

    return prepare


def through(make: Callable[[], Any], putters: int, getters: int) -> Callable[[], Work]:
    """So many tasks that put items in, and so many that take them out."""

    def prepare() -> Work:
        queue = make()

        async def put() -> None:
            for item in range(ITEMS // putters):
                await queue.put(item)

        async def get() -> None:
            for _ in range(ITEMS // getters):
                await queue.get()

        return lambda: run([put] * putters + [get] * getters)

    return prepare


def by_priority(make: Callable[[], Any]) -> Callable[[], Work]:
    """Put all items in, in no order, and take them out in order."""

    def prepare() -> Work:
        queue = make()

        async def work() -> None:
            for number in range(ITEMS):
                queue.put_nowait(number * 7919 % ITEMS)
            for _ in range(ITEMS):
                queue.get_nowait()

        return work

    return prepare


class NumberedPriorityQueue(asyncio.PriorityQueue[Any]):
    """What is done by hand so that equal items keep their order: each gets a number."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count()

    def put_nowait(self, item: int) -> None:
        super().put_nowait((item, next(self.numbers), item))

    def get_nowait(self) -> int:
        item: int = super().get_nowait()[2]
        return item


class Deque:
    """Methods of a queue's names, for a deque."""

    def __init__(self) -> None:
        items: deque[int] = deque()
        self.put_nowait, self.get_nowait = items.append, items.popleft


class Heap:
    """The same, for a heap."""

    def __init__(self) -> None:
        items: list[int] = []
        self.put_nowait, self.get_nowait = partial(heappush, items), partial(heappop, items)


def fast_table(title: str, work: Callable[[Callable[[], Any]], Callable[[], Work]]) -> Table:
    """Queues that are no checkpoint while they need not wait."""
    return Table(
        f"Queue of 10, fast_acquire: {title}",
        ITEMS,
        [
            Row("pynector Queue", work(partial(Queue, 10, fast_acquire=True))),
            Row("asyncio.Queue", work(partial(asyncio.Queue, 10)), "who waited is overtaken", ASYNCIO),
            *limits(work, Room),
        ],
    )


def table(title: str, work: Callable[[Callable[[], Any]], Callable[[], Work]]) -> Table:
    """Queues of which each operation is a checkpoint."""
    return Table(
        f"Queue of 10: {title}",
        ITEMS,
        [
            Row("pynector Queue", work(partial(Queue, 10))),
            Row("AnyIO memory stream", work(anyio_stream)),
            Row("trio memory channel", work(trio_channel), "", TRIO),
            *limits(work, RoomInTurn),
        ],
    )


TABLES = [
    make(title, work)
    for make in (fast_table, table)
    for title, work in (
        ("put an item and get it", in_turn),
        ("a task that puts, and one that gets", partial(through, putters=1, getters=1)),
        ("four tasks that put, and four that get", partial(through, putters=4, getters=4)),
        ("four tasks that put, and one that gets", partial(through, putters=4, getters=1)),
        ("a task that puts, and four that get", partial(through, putters=1, getters=4)),
    )
]
TABLES += [
    Table(
        "Queue of 10: put_nowait and get_nowait",
        ITEMS,
        [
            Row("pynector Queue", in_turn_at_once(partial(Queue, 10)), "checks its event loop"),
            Row("asyncio.Queue", in_turn_at_once(partial(asyncio.Queue, 10)), "", ASYNCIO),
            Row("AnyIO memory stream", in_turn_at_once(anyio_stream)),
            Row("trio memory channel", in_turn_at_once(trio_channel), "", TRIO),
            Row("limit: a deque", in_turn_at_once(Deque), "has room for any number"),
        ],
    ),
    Table(
        f"PriorityQueue: put_nowait of {ITEMS:,} items, and get_nowait",
        ITEMS,
        [
            Row(
                "pynector PriorityQueue",
                by_priority(PriorityQueue),
                "checks its event loop; equal ones keep their order",
            ),
            Row("asyncio.PriorityQueue", by_priority(asyncio.PriorityQueue), "breaks no ties", ASYNCIO),
            Row(
                "asyncio.PriorityQueue of numbered items",
                by_priority(NumberedPriorityQueue),
                "equal ones keep their order",
                ASYNCIO,
            ),
            Row("limit: heapq and a list", by_priority(Heap), "breaks no ties"),
        ],
    ),
]
