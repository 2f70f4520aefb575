"""The work that `instructions.py` counts: the same each time, with no clock and no chance in it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable

import anyio

from pynector.concurrency.cancel import fail_after
from pynector.concurrency.patterns import (
    ConnectionPool,
    KeyedConnectionPool,
    PoolLimits,
    WorkerPool,
    parallel_requests,
    retry_with_timeout,
)
from pynector.concurrency.primitives import CapacityLimiter, Lock, Queue, Semaphore
from pynector.concurrency.task import create_task_group

TIMES = 640  # ten times the budget of operations without a checkpoint


async def answer(item: object = None) -> object:
    return item


async def spawn() -> None:
    async with create_task_group() as tg:
        for _ in range(TIMES):
            tg.start_soon(answer)


async def time_out() -> None:
    for _ in range(TIMES):
        with fail_after(60):
            pass


async def lock() -> None:
    lock = Lock(fast_acquire=True)
    for _ in range(TIMES):
        async with lock:
            pass


async def lock_with_checkpoints() -> None:
    lock = Lock()
    for _ in range(TIMES):
        async with lock:
            pass


async def limiter() -> None:
    limiter = CapacityLimiter(1, fast_acquire=True)
    for _ in range(TIMES):
        async with limiter:
            pass


async def hand_over() -> None:
    semaphore = Semaphore(1)

    async def use() -> None:
        for _ in range(TIMES // 4):
            async with semaphore:
                pass

    async with create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(use)


async def pool() -> None:
    async with ConnectionPool(max_connections=1, connection_factory=answer) as pool:
        for _ in range(TIMES):
            async with pool.acquire():
                pass


async def pool_with_ends() -> None:
    limits = PoolLimits(max_idle=600, max_lifetime=3600)
    async with ConnectionPool(max_connections=1, connection_factory=answer, limits=limits) as pool:
        for _ in range(TIMES):
            async with pool.acquire():
                pass


async def pool_by_key() -> None:
    pool = KeyedConnectionPool[int, object](max_per_key=2, max_connections=TIMES, connection_factory=make)
    async with pool:
        for key in range(TIMES):
            async with pool.acquire(key):
                pass


async def make(key: int) -> object:
    return object()


async def queue() -> None:
    queue: Queue[int] = Queue(10, fast_acquire=True)
    for item in range(TIMES):
        await queue.put(item)
        await queue.get()


async def requests() -> None:
    await parallel_requests(range(TIMES), answer, max_concurrency=10)


async def workers() -> None:
    async with WorkerPool(num_workers=4, worker_func=answer) as pool:
        for item in range(TIMES):
            await pool.submit(item)


async def retry() -> None:
    for _ in range(TIMES):
        await retry_with_timeout(answer, timeout=60.0)


PATHS: dict[str, Callable[[], Awaitable[None]]] = {
    "start and join a child": spawn,
    "fail_after": time_out,
    "Lock, free, fast_acquire": lock,
    "Lock, free": lock_with_checkpoints,
    "CapacityLimiter, free, fast_acquire": limiter,
    "Semaphore, four tasks": hand_over,
    "Queue, put and get, fast_acquire": queue,
    "ConnectionPool, free": pool,
    "ConnectionPool, free, with max_idle and max_lifetime": pool_with_ends,
    "KeyedConnectionPool, a new key": pool_by_key,
    "parallel_requests, an item": requests,
    "WorkerPool, an item": workers,
    "retry_with_timeout": retry,
}


async def main() -> None:
    gc.disable()
    for path in PATHS.values():
        for _ in range(3):  # what is made once, and what the interpreter specialises for this path
            await path()
        gc.collect()
        os.getppid()
        await path()
        os.getppid()


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1])
    print(*(f"{name}\t{TIMES}" for name in PATHS), sep="\n")
