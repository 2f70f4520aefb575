"""`take_nowait`: an item for the length of a block, without waiting."""

import anyio
import pytest
from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.primitives import PriorityQueue, Queue
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_the_item_is_done_when_the_block_is_left() -> None:
    queue = Queue[str]()
    queue.put_nowait("item")
    joined = False

    async def join() -> None:
        nonlocal joined
        await queue.join()
        joined = True

    async with anyio.create_task_group() as tg:
        with queue.take_nowait() as item:
            tg.start_soon(join)
            await wait_until_blocked()
            assert (item, joined, len(queue)) == ("item", False, 0)

    assert joined


async def test_the_item_is_done_when_the_block_fails() -> None:
    queue = Queue[str]()
    queue.put_nowait("item")

    with pytest.raises(KeyError), queue.take_nowait():
        raise KeyError

    await queue.join()


async def test_without_an_item_it_would_block() -> None:
    queue = Queue[str]()

    with pytest.raises(WouldBlock), queue.take_nowait():
        raise AssertionError("entered")


async def test_nothing_is_taken_before_the_block_is_entered() -> None:
    queue = Queue[str]()
    queue.put_nowait("item")

    queue.take_nowait()

    assert len(queue) == 1


async def test_a_closed_queue_gives_what_is_left_and_then_says_so() -> None:
    queue = PriorityQueue[int]()
    queue.put_nowait(2)
    queue.put_nowait(1)
    queue.close()

    with queue.take_nowait() as first, queue.take_nowait() as second:
        assert (first, second) == (1, 2)
    with pytest.raises(ClosedResourceError), queue.take_nowait():
        raise AssertionError("entered")


async def test_a_place_that_comes_free_goes_to_the_task_that_waits_to_put() -> None:
    queue = Queue[int](1)
    queue.put_nowait(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 2)
        await wait_until_blocked()
        with queue.take_nowait() as item:
            assert item == 1
        await wait_until_blocked()
        assert len(queue) == 1
