"""Scenarios of the queues and the rate limiter: fresh objects, a few tasks, and what must hold."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from anyio import ClosedResourceError, WouldBlock
from scenarios_faults import FIRED

from pynector.concurrency.primitives import PriorityQueue, Queue, RateLimiter
from pynector.concurrency.task import create_task_group


async def _apart(func: Callable[..., Coroutine[Any, Any, None]], *args: int) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func, *args)


async def _hand_over(queue: Queue[int]) -> None:
    put, got = list[int](), list[int]()

    async def produce(first: int) -> None:
        for item in range(first, first + 3):
            await queue.put(item)
            put.append(item)  # no checkpoint since put() has put it

    async def consume() -> None:
        for _ in range(3):
            got.append(await queue.get())

    async with create_task_group() as tg:
        tg.start_soon(_apart, produce, 0)
        tg.start_soon(_apart, produce, 10)
        tg.start_soon(_apart, consume)
        tg.start_soon(_apart, consume)
        await anyio.sleep(60)
        statistics = queue.statistics()
        assert not statistics.tasks_waiting_get or not statistics.items, "an item that nobody gets"
        assert not statistics.tasks_waiting_put or statistics.items, "a place that nobody takes"
        tg.cancel()
    assert sorted(got + queue.shutdown()) == sorted(put), "lost or doubled"
    assert (len(queue), queue.statistics().unfinished) == (0, 0)


async def queue_loses_no_item() -> None:
    await _hand_over(Queue[int](1))


async def fast_queue_loses_no_item() -> None:
    await _hand_over(Queue[int](2, fast_acquire=True))


async def priority_queue_loses_no_item() -> None:
    await _hand_over(PriorityQueue[int](1))


async def closed_queue_gives_what_it_took() -> None:
    queue = Queue[int](1)
    put, got = list[int](), list[int]()

    async def produce(item: int) -> None:
        try:
            await queue.put(item)
        except ClosedResourceError:
            return
        put.append(item)

    async def consume() -> None:
        async for item in queue:
            got.append(item)

    async with create_task_group() as tg:
        for item in range(3):
            tg.start_soon(_apart, produce, item)
        tg.start_soon(_apart, consume)
        await anyio.lowlevel.checkpoint()
        queue.close()
    assert sorted(got + queue.shutdown()) == sorted(put), "lost or doubled"


async def join_waits_for_all() -> None:
    queue = Queue[int](2)
    started, ended = list[int](), list[int]()

    async def work() -> None:
        try:
            while True:
                async with queue.take() as item:
                    started.append(item)
                    try:
                        await anyio.sleep(1)
                    finally:
                        ended.append(item)
        except ClosedResourceError:
            pass

    async with create_task_group() as tg:
        tg.start_soon(_apart, work)
        tg.start_soon(_apart, work)
        for item in range(4):
            with anyio.move_on_after(60):
                await queue.put(item)
        with anyio.move_on_after(60) as gave_up:
            await queue.join()
        if not gave_up.cancelled_caught:
            assert sorted(ended) == [0, 1, 2, 3], "join() did not wait"
        queue.shutdown()
    assert sorted(started) == sorted(ended)


async def item_taken_without_waiting_is_done_once() -> None:
    queue = Queue[int](1)
    put, taken, ended = list[int](), list[int](), list[int]()

    async def produce() -> None:
        for item in range(3):
            await queue.put(item)
            put.append(item)

    async def poll() -> None:
        for _ in range(4):
            try:
                with queue.take_nowait() as item:
                    FIRED["taken without waiting"] += 1
                    taken.append(item)
                    try:
                        await anyio.sleep(0.1)
                    finally:
                        ended.append(item)
            except WouldBlock:
                await anyio.sleep(0.1)

    async with create_task_group() as tg:
        for func in (produce, poll, poll):
            tg.start_soon(_apart, func)
        await anyio.sleep(10)
        with anyio.move_on_after(10) as gave_up:
            await queue.join()
        assert gave_up.cancelled_caught == bool(len(queue)), "join() did not wait, or waits for nothing"
        tg.cancel()
    assert sorted(taken + queue.shutdown()) == sorted(put), "lost or doubled"
    assert (len(ended), queue.statistics().unfinished) == (len(taken), 0), "taken, and not done"


async def rate_limiter_keeps_its_rate() -> None:
    limiter = RateLimiter(2, burst=2)
    taken = list[float]()

    async def take() -> None:
        await limiter.acquire()
        taken.append(anyio.current_time())

    start = anyio.current_time()
    async with create_task_group() as tg:
        for _ in range(5):
            tg.start_soon(_apart, take)
        await anyio.sleep(0.75)
        tg.start_soon(_apart, take)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= 2 + 2 * (taken[last] - taken[first]) + 1e-6, "above the rate"
    for number, at in enumerate(taken):
        assert at - start <= max(0.75, (number - 1) / 2) + 1e-6, "waited for a permit that nobody took"
    assert limiter.statistics().tasks_waiting == 0


SCENARIOS = (
    queue_loses_no_item,
    fast_queue_loses_no_item,
    priority_queue_loses_no_item,
    closed_queue_gives_what_it_took,
    join_waits_for_all,
    item_taken_without_waiting_is_done_once,
    rate_limiter_keeps_its_rate,
)
