"""What a pool of workers costs: submit all items, and wait until they are done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from gc import get_referents

import aiojobs
import anyio
import trio
from harness import ASYNCIO, TRIO, Row, Table, Work

from pynector.concurrency.patterns import WorkerPool
from pynector.concurrency.task.lowlevel import operation_budget

ITEMS = 5_000
WORKERS = 10
WorkFunc = Callable[[int], Awaitable[None]]


async def trivial(item: int) -> None:
    pass


async def yield_on_asyncio(item: int) -> None:
    await asyncio.sleep(0)


async def yield_on_trio(item: int) -> None:
    await trio.lowlevel.checkpoint()


async def ours(func: WorkFunc, items: int) -> None:
    async with WorkerPool(num_workers=WORKERS, worker_func=func, max_queue=None) as pool:
        for item in range(items):
            await pool.submit(item)


async def ours_bounded(func: WorkFunc, items: int) -> None:
    async with WorkerPool(num_workers=WORKERS, worker_func=func) as pool:
        for item in range(items):
            await pool.submit(item)


async def asyncio_queue(func: WorkFunc, items: int) -> None:
    queue: asyncio.Queue[int | None] = asyncio.Queue()

    async def work() -> None:
        while (item := await queue.get()) is not None:
            await func(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())
        for item in range(items):
            await queue.put(item)
        for _ in range(WORKERS):
            await queue.put(None)


async def anyio_stream(func: WorkFunc, items: int) -> None:
    send, receive = anyio.create_memory_object_stream[int](1000)

    async def work() -> None:
        async for item in receive:
            await func(item)

    async with anyio.create_task_group() as tg:
        for _ in range(WORKERS):
            tg.start_soon(work)
        async with send:
            for item in range(items):
                await send.send(item)
    receive.close()


async def trio_channel(func: WorkFunc, items: int) -> None:
    send, receive = trio.open_memory_channel[int](1000)

    async def work() -> None:
        async for item in receive:
            await func(item)

    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(work)
        async with send:
            for item in range(items):
                await send.send(item)


async def of_aiojobs(func: WorkFunc, items: int) -> None:
    async with aiojobs.Scheduler(limit=WORKERS, pending_limit=0) as scheduler:
        for item in range(items):
            await scheduler.spawn(func(item))
        await scheduler.wait_and_close(timeout=60)


class Handle:
    """What can be awaited for a result, and says where its item stands."""

    __slots__ = ("context", "item", "outcome", "state")


async def promises_by_hand(func: WorkFunc, items: int) -> None:
    """The least that gives what we promise: each item a handle, and the context of its submitter."""
    line: deque[Handle] = deque()
    budget, loop = operation_budget(), asyncio.get_running_loop()
    idle: asyncio.Future[None] | None = None
    is_over = False

    async def submit(item: int) -> Handle:
        if next(budget):
            await asyncio.sleep(0)
        if asyncio.get_running_loop() is not loop:
            raise RuntimeError("another event loop")
        handle = Handle()
        handle.item, handle.context, handle.state, handle.outcome = item, copy_context(), "queued", None
        line.append(handle)
        if idle is not None and not idle.done():
            idle.set_result(None)
        return handle

    async def work() -> None:
        nonlocal idle
        while line or not is_over:
            for _ in range(min(len(line), 64)):
                handle = line.popleft()
                handle.state = "running"
                wanted, current = get_referents(handle.context, copy_context())
                assert wanted is current, "the slow way is left out"
                handle.outcome = await func(handle.item)
                handle.state = "finished"
            if line:
                await asyncio.sleep(0)
            elif not is_over:
                idle = loop.create_future()
                await idle

    async with asyncio.TaskGroup() as group:
        group.create_task(work())  # one is enough for items that never wait
        for item in range(items):
            await submit(item)
        is_over = True
        if idle is not None and not idle.done():
            idle.set_result(None)


async def deque_of_asyncio(func: WorkFunc, items: int) -> None:
    line = deque(range(items))

    async def work() -> None:
        while line:
            await func(line.popleft())

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())


async def deque_of_trio(func: WorkFunc, items: int) -> None:
    line = deque(range(items))

    async def work() -> None:
        while line:
            await func(line.popleft())

    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(work)


def pool(
    run: Callable[[WorkFunc, int], Awaitable[None]], func: WorkFunc | None, items: int = ITEMS, times: int = 1
) -> Callable[[], Work]:
    """Work on so many items; without a function, with one that yields once as the event loop does it."""

    def prepare() -> Work:
        async def work() -> None:
            chosen = func or (yield_on_trio if trio.lowlevel.in_trio_run() else yield_on_asyncio)
            for _ in range(times):
                await run(chosen, items)

        return work

    return prepare


def limits(func: WorkFunc | None, items: int) -> list[Row]:
    """What it costs if all items are there already."""
    says = "all items are there already"
    return [
        Row("limit: a deque and tasks", pool(deque_of_asyncio, func, items), says, ASYNCIO),
        Row("limit: a deque and tasks of trio", pool(deque_of_trio, func, items), says, TRIO),
    ]


def table(title: str, func: WorkFunc | None, bars: dict[str, float]) -> Table:
    shared = "no handles, items share a context"
    return Table(
        title,
        ITEMS,
        [
            Row(
                "pynector WorkerPool",
                pool(ours, func),
                "max_queue=None; a handle and a context for each item",
            ),
            Row("pynector, max_queue=1000", pool(ours_bounded, func), "submit waits while the queue is full"),
            Row("asyncio.Queue and workers", pool(asyncio_queue, func), f"no bound; {shared}", ASYNCIO),
            Row(
                "AnyIO memory stream and workers",
                pool(anyio_stream, func),
                f"1000 in the buffer; {shared}; each send a checkpoint",
            ),
            Row(
                "trio memory channel and workers",
                pool(trio_channel, func),
                f"1000 in the buffer; {shared}; each send a checkpoint",
                TRIO,
            ),
            Row("aiojobs.Scheduler", pool(of_aiojobs, func), "a job and a context for each item", ASYNCIO),
            *(
                [
                    Row(
                        "limit: our promises by hand",
                        pool(promises_by_hand, func),
                        "one worker; a handle, a context and a look at the event loop for each item",
                        ASYNCIO,
                    )
                ]
                if func
                else []
            ),
            *limits(func, ITEMS),
        ],
        bars,
    )


def growth() -> Table:
    """More and more items in the queue."""
    sizes = (1_000, 10_000, 100_000)
    bars = {f"{size:,} items": 1.15 for size in sizes[1:]}
    rows = [Row(f"{size:,} items", pool(ours, trivial, size, sizes[-1] // size)) for size in sizes]
    rows += limits(trivial, sizes[-1])
    return Table(
        "Worker pool: what a trivial item costs as more are queued", sizes[-1], rows, bars, bars, grows=True
    )


TABLES = [
    table(
        "Worker pool: 10 workers, trivial items",
        trivial,
        {
            "asyncio.Queue and workers": 1.0,
            "AnyIO memory stream and workers": 0.07,
            "aiojobs.Scheduler": 0.05,
        },
    ),
    table("Worker pool: 10 workers, items that yield once", None, {}),
    growth(),
]
