"""What is tried of worker pools."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import aiojobs
import anyio
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import WorkerPool

from .maps import succeeds
from .tried import tried

Func = Callable[[Any], Awaitable[Any]]
Submit = Callable[[Any], Awaitable[Any]]


@asynccontextmanager
async def ours(func: Func, workers: int, queue: int) -> AsyncIterator[Submit]:
    async with WorkerPool(workers, func, max_queue=queue) as pool:
        yield pool.submit


@asynccontextmanager
async def scheduler_of_aiojobs(func: Func, workers: int, queue: int) -> AsyncIterator[Submit]:
    async with aiojobs.Scheduler(
        limit=workers, pending_limit=queue, exception_handler=lambda *_: None
    ) as scheduler:
        yield lambda item: scheduler.spawn(func(item))


@asynccontextmanager
async def by_hand(func: Func, workers: int, queue: int) -> AsyncIterator[Submit]:
    items: asyncio.Queue[Any] = asyncio.Queue(queue)

    async def worker() -> None:
        while True:
            item = await items.get()
            await func(item)
            items.task_done()

    tasks = [asyncio.create_task(worker()) for _ in range(workers)]
    try:
        yield items.put
        async with asyncio.timeout(0.5):
            await items.join()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        [task.cancelled() or task.exception() for task in tasks]


POOLS = {"pynector": ours, "aiojobs": scheduler_of_aiojobs, "by hand": by_hand}
Pool = Callable[[Func, int, int], AbstractAsyncContextManager[Submit]]


async def invert(number: int) -> float:
    await checkpoint()
    return 1 / number


@tried("runs on trio", POOLS)
async def runs_on_trio(pool: Pool) -> bool:
    async def work() -> None:
        async with pool(invert, 1, 1) as submit:
            await submit(1)

    return await anyio.to_thread.run_sync(succeeds, trio.run, work)


@tried("who submits waits while the queue is full", POOLS)
async def submit_waits(pool: Pool) -> bool:
    async with pool(anyio.sleep, 1, 1) as submit:
        await submit(0.1)
        await checkpoint()
        await submit(0.0)
        with anyio.move_on_after(0.03) as scope:
            await submit(0.0)
    return scope.cancelled_caught


@tried("an item's result can be awaited", POOLS)
async def results(pool: Pool) -> bool:
    async with pool(invert, 1, 1) as submit:
        handle = await submit(2)
        if handle is None:
            return False
        return await (handle if inspect.isawaitable(handle) else handle.wait()) == 0.5


@tried("a failing item costs no worker", POOLS)
async def failing_items_cost_nothing(pool: Pool) -> bool:
    done: list[int] = []

    async def work(number: int) -> None:
        await invert(number)
        done.append(number)

    with suppress(ExceptionGroup, TimeoutError):
        async with pool(work, 1, 10) as submit:
            for number in 0, 1:
                await submit(number)
    return done == [1]


@tried("an error that nobody awaited is raised at the end", POOLS)
async def errors_are_raised(pool: Pool) -> bool:
    try:
        async with pool(invert, 1, 10) as submit:
            await submit(0)
    except TimeoutError:  # the worker is dead, and nobody says why
        return False
    except ExceptionGroup as group:
        return isinstance(group.exceptions[0], ZeroDivisionError)
    return False


@tried("a block that fails cancels what is left", POOLS)
async def failing_block_cancels(pool: Pool) -> bool:
    done = False

    async def work(seconds: float) -> None:
        nonlocal done
        await anyio.sleep(seconds)
        done = True

    with suppress(ConnectionError):
        async with pool(work, 1, 10) as submit:
            await submit(0.1)
            await anyio.sleep(0.01)
            raise ConnectionError
    await anyio.sleep(0.2)
    return not done


@tried("what was not done by the end is told", POOLS, only="pynector")
async def rest_is_told(_: Pool) -> bool:
    pool = WorkerPool(1, anyio.sleep)
    await pool.start()
    await pool.submit(10.0)
    return await pool.stop(grace=0.01) == [10.0]


@tried("what was not done by the end is told", POOLS, only="aiojobs")
async def rest_is_not_told(_: Pool) -> bool:
    scheduler = aiojobs.Scheduler()
    await scheduler.spawn(asyncio.sleep(10.0))
    return await scheduler.wait_and_close(timeout=0.01) is not None or len(scheduler) > 0


@tried("what was not done by the end is told", POOLS, only="by hand")
async def rest_is_in_the_queue(_: Pool) -> str:
    items: asyncio.Queue[float] = asyncio.Queue()
    for seconds in 10.0, 20.0:
        items.put_nowait(seconds)

    async def worker() -> None:
        while True:
            seconds = await items.get()
            await asyncio.wait_for(asyncio.Event().wait(), seconds)

    task = asyncio.create_task(worker())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    return "but what ran" if items.qsize() == 1 else "no"
