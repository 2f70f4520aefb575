"""Scenarios of ends: of a task, a pool, a stream of items; each counts in `FIRED` that it really happened."""

import gc
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from anyio import BrokenResourceError, ClosedResourceError, WouldBlock
from anyio.abc import TaskStatus
from scenarios_faults import FIRED, apart, connect

from pynector.concurrency.patterns import ConnectionPool, WorkerPool
from pynector.concurrency.primitives import Lock, Queue, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint
from pynector.concurrency.testing import invariant


async def workers_fail() -> None:
    errors: dict[int, Exception] = {1: ValueError(), 2: ExceptionGroup("", [KeyError()])}
    done: list[int] = []

    async def work(item: int) -> None:
        await checkpoint()
        if item in errors:
            FIRED[f"worker raises {type(errors[item]).__name__}"] += 1
            raise errors[item]
        done.append(item)

    reported: list[int] = []
    pool = WorkerPool(num_workers=2, worker_func=work, on_error=lambda item, _: reported.append(item))
    with suppress(BrokenResourceError):  # a worker itself was cancelled
        async with pool:
            for item in range(4):
                with suppress(ClosedResourceError):
                    pool.submit_nowait(item)
    assert sorted(done + reported + list(pool.unprocessed)) == [0, 1, 2, 3]
    assert set(reported) <= set(errors)


async def owner_ends_without_release() -> None:
    lock = Lock()

    async def owner() -> None:
        await lock.acquire()

    async def user() -> None:
        await anyio.sleep(1)
        try:
            async with lock:
                pass
        except BrokenResourceError:
            FIRED["owner ended"] += 1

    async with create_task_group() as tg:
        for start in owner, user, user:
            tg.start_soon(apart, start)
    assert lock.statistics().tasks_waiting == 0


async def child_fails_before_started() -> None:
    alive = 0

    async def child(how: str, *, task_status: TaskStatus[None]) -> None:
        nonlocal alive
        alive += 1
        try:
            await checkpoint()
            FIRED[f"start: child {how}"] += 1
            if how == "fails":
                raise LookupError(how)
            if how == "starts":
                task_status.started()
                await checkpoint()
        finally:
            alive -= 1

    async def caller(how: str) -> None:
        async with create_task_group() as tg:
            try:
                await tg.start(child, how)
            except (LookupError, RuntimeError):
                assert not alive, "an orphan"

    for how in "fails", "returns", "starts":
        async with create_task_group() as tg:
            tg.start_soon(apart, caller, how)
        assert not alive, "an orphan"


async def pool_is_closed_twice() -> None:
    pool = ConnectionPool(max_connections=1, connection_factory=connect, grace=5, close_timeout=1)

    async def user() -> None:
        with suppress(ClosedResourceError):
            async with pool.acquire():
                await anyio.sleep(2)

    async def closer() -> None:
        await anyio.sleep(1)
        FIRED["close() at once"] += 1
        await pool.close()
        assert pool.statistics().open == 0

    async with create_task_group() as tg:
        for start in user, user, closer, closer:
            tg.start_soon(apart, start)
    await pool.close()
    assert pool.statistics().open == pool.statistics().waiting == 0


async def workers_are_stopped_twice() -> None:
    taken, done = list[int](), list[int]()

    async def work(item: int) -> None:
        with suppress(RuntimeError):
            FIRED["stop() inside a worker"] += 1
            await pool.stop()
            raise AssertionError("would wait for itself")
        await anyio.sleep(1)
        done.append(item)

    async def stopper() -> None:
        FIRED["stop() at once"] += 1
        await pool.stop()
        assert sorted([*done, *pool.unprocessed]) == taken, "stopped before all is done"

    pool = WorkerPool(num_workers=1, worker_func=work)
    await pool.start()
    with suppress(ClosedResourceError):  # a worker that is cancelled from outside ends the pool
        for item in range(2):
            await pool.submit(item)
            taken.append(item)
    async with create_task_group() as tg:
        tg.start_soon(apart, stopper)
        tg.start_soon(apart, stopper)
    await pool.stop()
    assert sorted([*done, *pool.unprocessed]) == taken


def _at_most(number: int, limit: int) -> None:
    assert number <= limit, f"{number} inside, {limit} allowed"


async def consumer_is_slow() -> None:
    queue = Queue[int](2)
    invariant(lambda: _at_most(len(queue), 3))  # what was handed to a consumer that is cancelled comes back

    async def producer() -> None:
        for item in range(5):
            try:
                queue.put_nowait(item)
            except WouldBlock:
                FIRED["queue full"] += 1
                await queue.put(item)
        queue.close()

    async def consumer() -> None:
        with suppress(ClosedResourceError):
            while True:
                await queue.get()
                await anyio.sleep(1)

    with suppress(ClosedResourceError):
        async with create_task_group() as tg:
            tg.start_soon(apart, producer)
            tg.start_soon(apart, consumer)
            await anyio.sleep(60)
            tg.cancel()


async def generator_is_collected() -> None:
    pool = ConnectionPool(max_connections=1, connection_factory=connect)
    places = Semaphore(1)

    async def rows() -> AsyncIterator[int]:
        try:
            async with places, pool.acquire():
                for row in range(3):
                    yield row
        finally:
            FIRED["generator collected"] += 1

    async def user() -> None:
        generator = rows()
        await anext(generator)
        del generator
        gc.collect()

    async with create_task_group() as tg:
        tg.start_soon(apart, user)
    await anyio.sleep(1)
    with anyio.fail_after(60):
        await pool.release(await pool.acquire())
    assert places.value == 1
    await pool.close()


SCENARIOS = (
    workers_fail,
    owner_ends_without_release,
    child_fails_before_started,
    pool_is_closed_twice,
    workers_are_stopped_twice,
    consumer_is_slow,
    generator_is_collected,
)
