"""What only the priority queue promises."""

import random

import anyio
import pytest

from pynector.concurrency.primitives import PriorityQueue
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_items_leave_by_priority_the_lowest_first() -> None:
    queue = PriorityQueue[tuple[int, str]]()

    for item in (3, "c"), (1, "a"), (2, "b"):
        await queue.put(item)
    assert [(await queue.get())[1] for _ in range(3)] == ["a", "b", "c"]


async def test_items_of_equal_priority_leave_in_order_of_arrival_and_are_not_compared() -> None:
    queue = PriorityQueue[object](key=lambda _: 0)
    items = [object(), object(), object()]

    for item in items:
        await queue.put(item)
    assert [await queue.get() for _ in items] == items


async def test_an_item_whose_priority_cannot_be_compared_has_not_been_put() -> None:
    queue = PriorityQueue[object](2)
    await queue.put(1)

    with pytest.raises(TypeError):
        await queue.put("two")
    with pytest.raises(TypeError):
        queue.put_nowait("two")
    assert queue.shutdown() == [1]


async def test_what_cannot_be_compared_with_an_item_inside_is_refused_wherever_that_is() -> None:
    queue = PriorityQueue[object]()
    for item in (0, "x"), (1, "a"), (1, "b"):
        await queue.put(item)

    with pytest.raises(TypeError):
        await queue.put((1, 5))
    assert [await queue.get() for _ in range(len(queue))] == [(0, "x"), (1, "a"), (1, "b")]


async def test_many_items_leave_in_order() -> None:
    queue = PriorityQueue[int]()
    items = random.Random(1).sample(range(10_000), 5_000)

    for item in items:
        queue.put_nowait(item)
    assert [queue.get_nowait() for _ in range(100)] == sorted(items)[:100]
    assert queue.shutdown() == sorted(items)[100:]


async def test_a_task_that_waited_and_cannot_put_its_item_leaves_its_place_to_the_next() -> None:
    queue = PriorityQueue[object](2)
    queue.put_nowait(1)
    queue.put_nowait(2)

    async def put_wrong() -> None:
        with pytest.raises(TypeError):
            await queue.put("two")

    async with anyio.create_task_group() as tg:
        tg.start_soon(put_wrong)
        await wait_until_blocked()
        tg.start_soon(queue.put, 3)
        await wait_until_blocked()
        assert queue.get_nowait() == 1
    assert queue.shutdown() == [2, 3]


async def test_a_key_must_be_callable() -> None:
    with pytest.raises(TypeError, match=r"^key must be callable, not 1$"):
        PriorityQueue(key=1)  # type: ignore[arg-type]
