"""A task that was let in, and is cancelled natively before it ran."""

import asyncio

import anyio
import pytest
from anyio import ClosedResourceError, wait_all_tasks_blocked

from pynector.concurrency.primitives import Queue

pytestmark = [pytest.mark.anyio, pytest.mark.on("asyncio")]


async def start_put(queue: Queue[int], item: int) -> "asyncio.Task[None]":
    """A task that waits in put()."""
    task = asyncio.get_running_loop().create_task(queue.put(item))
    await wait_all_tasks_blocked()
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
