"""No item is lost or doubled, whatever the order of the tasks and wherever one is cancelled."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError

from pynector.concurrency.primitives import PriorityQueue, Queue
from pynector.concurrency.testing import cancel_everywhere, explore

Kind = Callable[[int], Queue[int]]
kinds = pytest.mark.parametrize("kind", [Queue, PriorityQueue, partial(Queue, fast_acquire=True)])
backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


async def apart(func: Callable[..., Coroutine[Any, Any, None]], *args: int) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func, *args)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


async def producers_and_consumers(kind: Kind) -> None:
    """Two producers, two consumers, one place: each item that was put is got once, or is still inside."""
    queue = kind(1)
    put, got = list[int](), list[int]()

    async def produce(first: int) -> None:
        for item in range(first, first + 3):
            await queue.put(item)
            put.append(item)  # no checkpoint since put() has put it

    async def consume() -> None:
        for _ in range(3):
            got.append(await queue.get())

    async with anyio.create_task_group() as tg:
        tg.start_soon(apart, produce, 0)
        tg.start_soon(apart, produce, 10)
        tg.start_soon(apart, consume)
        tg.start_soon(apart, consume)
        await anyio.sleep(60)
        statistics = queue.statistics()
        assert not statistics.tasks_waiting_get or not statistics.items
        assert not statistics.tasks_waiting_put or statistics.items >= 1
        tg.cancel_scope.cancel()
    left = queue.shutdown()
    assert sorted(got + left) == sorted(put)
    statistics = queue.statistics()
    assert (statistics.items, statistics.unfinished) == (0, 0)
    assert (statistics.tasks_waiting_put, statistics.tasks_waiting_get) == (0, 0)


async def producers_of_a_queue_that_is_closed(kind: Kind) -> None:
    """What put() reported comes out, what it refused does not."""
    queue = kind(1)
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

    async with anyio.create_task_group() as tg:
        for item in range(3):
            tg.start_soon(apart, produce, item)
        tg.start_soon(apart, consume)
        await anyio.lowlevel.checkpoint()
        queue.close()
    assert sorted(got + queue.shutdown()) == sorted(put)


async def joined_work(kind: Kind) -> None:
    """join() returns when all is done, not before."""
    queue = kind(2)
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

    async with anyio.create_task_group() as tg:
        tg.start_soon(apart, work)
        tg.start_soon(apart, work)
        for item in range(4):
            with anyio.move_on_after(60):
                await queue.put(item)
        with anyio.move_on_after(60) as gave_up:
            await queue.join()
        if not gave_up.cancelled_caught:
            assert sorted(ended) == [0, 1, 2, 3]
        queue.shutdown()
    assert sorted(started) == sorted(ended)


scenarios = pytest.mark.parametrize(
    "scenario", [producers_and_consumers, producers_of_a_queue_that_is_closed, joined_work]
)


@kinds
@scenarios
@backends
def test_nothing_is_lost_in_any_order(
    scenario: Callable[[Kind], Coroutine[Any, Any, None]], kind: Kind, backend: str
) -> None:
    explore(partial(scenario, kind), schedules=150, backend=backend).check()


@kinds
@scenarios
@backends
def test_nothing_is_lost_wherever_a_task_is_cancelled(
    scenario: Callable[[Kind], Coroutine[Any, Any, None]], kind: Kind, backend: str
) -> None:
    cancel_everywhere(partial(scenario, kind), victims=is_victim, orders=2, backend=backend).check()


@backends
@kinds
def test_who_is_cancelled_is_told_so_though_the_queue_was_closed_by_another_that_was(
    kind: Kind, backend: str
) -> None:
    async def scenario() -> None:
        async def produce(queue: Queue[int]) -> None:
            try:
                for item in range(3):
                    await queue.put(item)
            finally:
                queue.close()

        async def consume(queue: Queue[int]) -> None:
            for _ in range(3):
                await queue.get()

        async def user() -> None:
            queue = kind(1)
            async with anyio.create_task_group() as tg:
                tg.start_soon(produce, queue)
                tg.start_soon(consume, queue)

        async with anyio.create_task_group() as tg:
            tg.start_soon(user)

    cancel_everywhere(scenario, victims=lambda name: name == "user", orders=20, backend=backend).check()
