"""What a bounded map costs: many small calls, 100 at a time, results in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiometer
import anyio
import trio
from harness import ASYNCIO, TRIO, Row, Table, Timer, Work

from pynector.concurrency.patterns import concurrent_map, parallel_requests

ITEMS = 100_000
FEWER = 10_000  # for those that would take seconds
AT_A_TIME = 100
Fetch = Callable[[int], Awaitable[int]]
Map = Callable[[Iterable[int], Fetch], Awaitable[list[int]]]

variable: ContextVar[int] = ContextVar("variable")


async def trivial(item: int) -> int:
    return item


async def set_variable(item: int) -> int:
    variable.set(item)
    return item


async def yield_on_asyncio(item: int) -> int:
    await asyncio.sleep(0)
    return item


async def yield_on_trio(item: int) -> int:
    await trio.lowlevel.checkpoint()
    return item


async def ours(items: Iterable[int], fetch: Fetch) -> list[int]:
    return await parallel_requests(items, fetch, max_concurrency=AT_A_TIME)


async def our_stream(items: Iterable[int], fetch: Fetch) -> list[int]:
    async with concurrent_map(fetch, items, max_concurrency=AT_A_TIME) as results:
        return [result async for result in results]


async def gather_and_semaphore(items: Iterable[int], fetch: Fetch) -> list[int]:
    semaphore = asyncio.Semaphore(AT_A_TIME)

    async def one(item: int) -> int:
        async with semaphore:
            return await fetch(item)

    return await asyncio.gather(*[one(item) for item in items])


async def aiometer_run_all(items: Iterable[int], fetch: Fetch) -> list[int]:
    return await aiometer.run_all([partial(fetch, item) for item in items], max_at_once=AT_A_TIME)


async def _pull(numbered: Iterable[tuple[int, int]], fetch: Fetch, results: list[Any]) -> None:
    for place, item in numbered:
        results.append(None)
        results[place] = await fetch(item)


async def bare_workers(items: Iterable[int], fetch: Fetch) -> list[int]:
    results: list[Any] = []
    numbered = enumerate(items)
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_A_TIME):
            group.create_task(_pull(numbered, fetch, results))
    return results


async def bare_workers_on_trio(items: Iterable[int], fetch: Fetch) -> list[int]:
    results: list[Any] = []
    numbered = enumerate(items)
    async with trio.open_nursery() as nursery:
        for _ in range(AT_A_TIME):
            nursery.start_soon(_pull, numbered, fetch, results)
    return results


async def nursery_and_limiter(items: Iterable[int], fetch: Fetch) -> list[int]:
    limiter = trio.CapacityLimiter(AT_A_TIME)
    results: list[Any] = []

    async def one(place: int, item: int) -> None:
        async with limiter:
            results[place] = await fetch(item)

    async with trio.open_nursery() as nursery:
        for place, item in enumerate(items):
            results.append(None)
            nursery.start_soon(one, place, item)
    return results


async def anyio_group_and_limiter(items: Iterable[int], fetch: Fetch) -> list[int]:
    limiter = anyio.CapacityLimiter(AT_A_TIME)
    results: list[Any] = []

    async def one(place: int, item: int) -> None:
        async with limiter:
            results[place] = await fetch(item)

    async with anyio.create_task_group() as tg:
        for place, item in enumerate(items):
            results.append(None)
            tg.start_soon(one, place, item)
    return results


async def one_by_one(items: Iterable[int], fetch: Fetch) -> list[int]:
    return [await fetch(item) for item in items]


def mapped(run: Map, fetch: Fetch | None, items: int = ITEMS, times: int = 1) -> Callable[[], Work]:
    """Map a function over so many items; without one, a function that yields once as the loop does it."""

    def prepare() -> Work:
        async def work() -> None:
            asynchronously = fetch or (yield_on_trio if _runs_trio() else yield_on_asyncio)
            for _ in range(times):
                assert len(await run(range(items), asynchronously)) == items

        return work

    return prepare


def _runs_trio() -> bool:
    return trio.lowlevel.in_trio_run()


SHARED = "workers that pull from the iterator"
OWN_TASK = "a task and a context for each item"
FEW = f"{OWN_TASK}; of {FEWER:,} items only, which favours it"


def rows(fetch: Fetch | None) -> list[Row]:
    """All ways to map one function."""
    return [
        Row(
            "pynector parallel_requests", mapped(ours, fetch), f"{SHARED}; each item in a copy of the context"
        ),
        Row("pynector concurrent_map", mapped(our_stream, fetch), "the same, and results as they come"),
        Row("asyncio.gather with a Semaphore", mapped(gather_and_semaphore, fetch), OWN_TASK, ASYNCIO),
        Row("aiometer.run_all", fewer(aiometer_run_all, fetch), FEW),
        Row("anyio.TaskGroup with a CapacityLimiter", fewer(anyio_group_and_limiter, fetch), FEW),
        Row("trio.Nursery with a CapacityLimiter", mapped(nursery_and_limiter, fetch), OWN_TASK, TRIO),
        Row(
            "bare workers in an asyncio.TaskGroup",
            mapped(bare_workers, fetch),
            f"{SHARED}; items share its context",
            ASYNCIO,
        ),
        Row(
            "bare workers in a trio.Nursery",
            mapped(bare_workers_on_trio, fetch),
            f"{SHARED}; items share its context",
            TRIO,
        ),
        Row("limit: one by one", mapped(one_by_one, fetch), "no concurrency"),
    ]


def growth() -> Table:
    """The same map over more and more items."""
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    most = 200_000
    bars = {f"{size:,} items": 1.15 for size in sizes[1:]}
    return Table(
        "Bounded map: what a trivial item costs as there are more",
        1,
        [
            *(Row(f"{size:,} items", per_item(ours, size, max(1, most // size))) for size in sizes),
            Row("limit: 200,000 one by one", per_item(one_by_one, most, 1), "no concurrency"),
        ],
        bars,
        bars,
        grows=True,
    )


def fewer(run: Map, fetch: Fetch | None) -> Callable[[], Work]:
    """Map over fewer items, and tell the seconds that all would take at that pace."""
    prepare = mapped(run, fetch, FEWER)

    def prepare_timed() -> Work:
        work = prepare()

        async def timed() -> Timer:
            with Timer() as timer:
                await work()
            timer.seconds *= ITEMS / FEWER
            return timer

        return timed

    return prepare_timed


def per_item(run: Map, items: int, times: int) -> Callable[[], Work]:
    """Seconds for one item, whatever their number."""
    prepare = mapped(run, trivial, items, times)

    def prepare_timed() -> Work:
        work = prepare()

        async def timed() -> Timer:
            with Timer() as timer:
                await work()
            timer.seconds /= items * times
            return timer

        return timed

    return prepare_timed


TABLES = [
    Table(
        "Bounded map: 100,000 trivial items, 100 at a time",
        ITEMS,
        rows(trivial),
        {"asyncio.gather with a Semaphore": 0.15, "aiometer.run_all": 0.03},
        {"trio.Nursery with a CapacityLimiter": 0.06},
        peaks={"bare workers in an asyncio.TaskGroup": 1.2},
        heavy=True,
    ),
    Table(
        "Bounded map: 100,000 items that yield once, 100 at a time",
        ITEMS,
        rows(None),
        {"asyncio.gather with a Semaphore": 0.25, "bare workers in an asyncio.TaskGroup": 1.5},
        heavy=True,
    ),
    Table(
        "Bounded map: what its promise about the context costs",
        ITEMS,
        [
            Row("nothing set", mapped(ours, trivial), "the worker's own context serves as the copy"),
            Row("each item sets a variable", mapped(ours, set_variable), "a new copy for each item"),
            Row("limit: one by one", mapped(one_by_one, trivial), "no concurrency, one context"),
        ],
        grows=True,
    ),
    growth(),
]
