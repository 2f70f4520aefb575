"""A task that was let in, and is cancelled natively before it ran."""

import asyncio

import anyio
import pytest
from anyio import ClosedResourceError

from pynector.concurrency.primitives import PriorityQueue, Queue
from pynector.concurrency.testing import wait_until_blocked

pytestmark = [pytest.mark.anyio, pytest.mark.on("asyncio")]


async def start_put(queue: Queue[int], item: int) -> "asyncio.Task[None]":
    """A task that waits in put()."""
    task = asyncio.get_running_loop().create_task(queue.put(item))
    await wait_until_blocked()
    return task


async def test_its_place_goes_to_the_next_in_put() -> None:
    queue = Queue[int](1)
    queue.put_nowait(1)
    first, second = await start_put(queue, 2), await start_put(queue, 3)

    assert queue.get_nowait() == 1
    first.cancel()
    await second
    assert queue.shutdown() == [3]


async def test_items_behind_its_place_go_to_those_who_wait() -> None:
    queue = Queue[int](2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    let_in = await start_put(queue, 3)
    got = list[int]()

    async def get() -> None:
        got.append(await queue.get())

    async with anyio.create_task_group() as tg:
        tg.start_soon(get)
        assert [queue.get_nowait(), queue.get_nowait()] == [1, 2]  # lets the task in, which runs after get()
        queue.put_nowait(4)
        let_in.cancel()
    assert got == [4]


async def test_a_closed_queue_is_over_without_its_item() -> None:
    queue = Queue[int](1)
    queue.put_nowait(1)
    let_in = await start_put(queue, 2)
    woken = list[str]()

    async def get() -> None:
        with pytest.raises(ClosedResourceError):
            await queue.get()
        woken.append("get")

    async def join() -> None:
        await queue.join()
        woken.append("join")

    async with anyio.create_task_group() as tg:
        tg.start_soon(get)
        tg.start_soon(join)
        assert queue.get_nowait() == 1  # lets the task in, which runs after the two
        queue.close()
        let_in.cancel()
    assert sorted(woken) == ["get", "join"]


async def start_get(queue: Queue[int]) -> "asyncio.Task[int]":
    """A task that waits in get()."""
    task = asyncio.get_running_loop().create_task(queue.get())
    await wait_until_blocked()
    return task


async def test_shutdown_gives_what_is_on_its_way_to_a_task_that_is_cancelled() -> None:
    queue = Queue[int]()
    getter = await start_get(queue)
    queue.put_nowait(1)

    assert queue.shutdown() == [1]
    getter.cancel()
    await queue.join()
    await asyncio.wait([getter])
    assert getter.cancelled()
    assert (len(queue), queue.statistics().unfinished) == (0, 0)


async def test_shutdown_gives_what_is_on_its_way_to_a_task_that_runs_only_then() -> None:
    queue = Queue[int]()
    getter = await start_get(queue)
    queue.put_nowait(1)
    queue.put_nowait(2)

    assert queue.shutdown() == [1, 2]
    with pytest.raises(ClosedResourceError):
        await getter
    await queue.join()


async def test_an_item_whose_comparison_fails_goes_back_in_front() -> None:
    queue = PriorityQueue[object]()
    getter = await start_get(queue)  # type: ignore[arg-type]
    queue.put_nowait((0, "x"))
    queue.put_nowait((0, 1))  # is not compared: the other one has left

    getter.cancel()
    await asyncio.wait([getter])
    assert queue.shutdown() == [(0, "x"), (0, 1)]
