"""What holds for both queues."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.primitives import PriorityQueue, Queue
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[Queue, PriorityQueue])
def kind(request: pytest.FixtureRequest) -> type[Queue[int]]:
    return request.param


def filled(kind: type[Queue[int]], *items: int) -> Queue[int]:
    """A full queue."""
    queue = kind(len(items))
    for item in items:
        queue.put_nowait(item)
    return queue


async def test_items_leave_in_the_order_in_which_they_came(kind: type[Queue[int]]) -> None:
    queue = kind()

    for item in range(5):
        await queue.put(item)
    assert [await queue.get() for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_any_object_may_be_an_item() -> None:
    queue = Queue[object]()

    for item in None, queue, ClosedResourceError():
        await queue.put(item)
        assert await queue.get() is item


async def test_put_waits_while_no_place_is_free(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 2)
        await wait_until_blocked()
        assert queue.statistics().tasks_waiting_put == 1
        assert await queue.get() == 1
    assert queue.get_nowait() == 2


async def test_get_waits_while_there_is_no_item(kind: type[Queue[int]]) -> None:
    queue = kind(1)
    got = list[int]()

    async def get() -> None:
        got.append(await queue.get())

    async with anyio.create_task_group() as tg:
        tg.start_soon(get)
        await wait_until_blocked()
        assert queue.statistics().tasks_waiting_get == 1
        await queue.put(7)
    assert got == [7]


async def test_nowait_raises_instead_of_waiting(kind: type[Queue[int]]) -> None:
    queue = kind(1)

    with pytest.raises(WouldBlock):
        queue.get_nowait()
    queue.put_nowait(1)
    with pytest.raises(WouldBlock):
        queue.put_nowait(2)
    assert queue.get_nowait() == 1


async def test_tasks_in_get_are_served_in_order_of_arrival(kind: type[Queue[int]]) -> None:
    queue = kind(3)
    got = dict[int, int]()

    async def get(number: int) -> None:
        got[number] = await queue.get()

    async with anyio.create_task_group() as tg:
        for number in range(3):
            tg.start_soon(get, number)
            await wait_until_blocked()
        for item in range(3):
            queue.put_nowait(item)
    assert got == {0: 0, 1: 1, 2: 2}


async def test_tasks_in_put_are_let_in_in_order_of_arrival(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 0)

    async with anyio.create_task_group() as tg:
        for item in 1, 2, 3:
            tg.start_soon(queue.put, item)
            await wait_until_blocked()
        assert [await queue.get() for _ in range(4)] == [0, 1, 2, 3]


async def test_no_newcomer_overtakes_a_task_in_put(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 0)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 1)
        await wait_until_blocked()
        queue.get_nowait()
        with pytest.raises(WouldBlock):
            queue.put_nowait(2)
    assert queue.get_nowait() == 1


@pytest.mark.on("asyncio")  # trio's order of tasks is random
async def test_who_finds_it_full_or_empty_passes_a_checkpoint_before_it_waits(kind: type[Queue[int]]) -> None:
    async def act(what: str) -> None:
        begun.append(what)
        await (queue.put(2) if what == "put" else queue.get())
        begun.remove(what)

    begun = list[str]()
    for what in "put", "get":
        queue = filled(kind, 1) if what == "put" else kind(1)
        async with anyio.create_task_group() as tg:
            tg.start_soon(act, what)
            while not begun:
                await anyio.lowlevel.checkpoint()
            assert not queue.statistics().waiters
            if what == "put":
                assert queue.get_nowait() == 1
            else:
                queue.put_nowait(1)
            while begun:
                assert not queue.statistics().waiters
                await anyio.lowlevel.checkpoint()


@pytest.mark.on("asyncio")  # trio's order of tasks is random
async def test_who_finds_others_waiting_joins_them_at_once(kind: type[Queue[int]]) -> None:
    full, empty = filled(kind, 0), kind(1)

    async with anyio.create_task_group() as tg:
        for call in partial(full.put, 1), empty.get:
            tg.start_soon(call)
            await wait_until_blocked()
            tg.start_soon(call)
        await anyio.lowlevel.checkpoint()
        assert full.statistics().tasks_waiting_put == 2
        assert empty.statistics().tasks_waiting_get == 2
        tg.cancel_scope.cancel()


async def test_who_need_not_wait_passes_a_checkpoint_though_somebody_gave_up_waiting(
    kind: type[Queue[int]],
) -> None:
    full, empty, gave_up = filled(kind, 0), kind(1), anyio.CancelScope()

    async def give_up(call: Callable[[], Awaitable[object]]) -> None:
        with gave_up:
            await call()

    async with anyio.create_task_group() as tg:
        for call in partial(full.put, 1), empty.get:
            tg.start_soon(call)
            await wait_until_blocked()
        for call in partial(full.put, 1), empty.get:
            async with anyio.create_task_group() as others:
                gave_up = anyio.CancelScope()
                others.start_soon(give_up, call)
                await wait_until_blocked()
                gave_up.cancel()
        full.get_nowait()
        empty.put_nowait(1)
        await wait_until_blocked()
    full.get_nowait()
    empty.put_nowait(2)

    for call in partial(full.put, 3), empty.get:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await call()
        assert scope.cancelled_caught
    assert (len(full), len(empty)) == (0, 1)


async def test_cancelled_while_waiting_in_put_has_put_nothing(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 2)
        await wait_until_blocked()
        tg.cancel_scope.cancel()
    assert queue.get_nowait() == 1
    assert len(queue) == 0


async def test_cancelled_while_waiting_in_get_has_taken_nothing(kind: type[Queue[int]]) -> None:
    queue = kind(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.get)
        await wait_until_blocked()
        tg.cancel_scope.cancel()
        queue.put_nowait(1)
    assert queue.get_nowait() == 1


async def test_put_and_get_are_checkpoints_even_when_they_need_not_wait(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await queue.get()
    assert scope.cancelled_caught

    assert queue.get_nowait() == 1
    with anyio.CancelScope() as scope:
        scope.cancel()
        await queue.put(2)
    assert scope.cancelled_caught
    assert len(queue) == 0


async def test_a_closed_queue_takes_no_items_and_gives_those_inside(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1, 2)

    queue.close()
    queue.close()
    with pytest.raises(ClosedResourceError, match=f"^{kind.__name__} is closed$"):
        await queue.put(3)
    with pytest.raises(ClosedResourceError):
        queue.put_nowait(3)
    assert [await queue.get(), queue.get_nowait()] == [1, 2]
    with pytest.raises(ClosedResourceError):
        await queue.get()
    with pytest.raises(ClosedResourceError):
        queue.get_nowait()


async def test_close_wakes_all_who_wait(kind: type[Queue[int]]) -> None:
    full, empty = filled(kind, 1), kind(1)
    woken = list[str]()

    async def put() -> None:
        with pytest.raises(ClosedResourceError):
            await full.put(2)
        woken.append("put")

    async def get() -> None:
        with pytest.raises(ClosedResourceError):
            await empty.get()
        woken.append("get")

    async with anyio.create_task_group() as tg:
        for waiter in put, put, get, get:
            tg.start_soon(waiter)
        await wait_until_blocked()
        full.close()
        empty.close()
    assert sorted(woken) == ["get", "get", "put", "put"]
    assert full.get_nowait() == 1


async def test_async_for_ends_when_the_queue_is_closed_and_empty(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1, 2)
    got = list[int]()

    async def consume() -> None:
        async for item in queue:
            got.append(item)

    async with anyio.create_task_group() as tg:
        tg.start_soon(consume)
        await wait_until_blocked()
        queue.put_nowait(3)
        queue.close()
    assert got == [1, 2, 3]


async def test_shutdown_gives_what_was_left_and_wakes_all_who_wait(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1, 2)

    async def put() -> None:
        with pytest.raises(ClosedResourceError):
            await queue.put(3)

    async with anyio.create_task_group() as tg:
        tg.start_soon(put)
        await wait_until_blocked()
        assert queue.shutdown() == [1, 2]
    assert queue.shutdown() == []
    with pytest.raises(ClosedResourceError):
        await queue.get()


async def test_a_task_that_was_let_in_when_shutdown_came_has_put_nothing(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    async def put() -> None:
        with pytest.raises(ClosedResourceError):
            await queue.put(2)

    async with anyio.create_task_group() as tg:
        tg.start_soon(put)
        await wait_until_blocked()
        assert queue.get_nowait() == 1
        assert queue.shutdown() == []


async def test_a_task_that_was_let_in_when_close_came_puts_its_item(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 2)
        await wait_until_blocked()
        assert queue.get_nowait() == 1
        queue.close()
        assert await queue.get() == 2
    with pytest.raises(ClosedResourceError):
        await queue.get()


async def test_join_waits_until_the_queue_is_empty(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)
    joined = anyio.Event()

    async def join() -> None:
        await queue.join()
        joined.set()

    async with anyio.create_task_group() as tg:
        tg.start_soon(join)
        await wait_until_blocked()
        assert not joined.is_set()
        await queue.get()
    assert joined.is_set()
    await queue.join()


async def test_join_waits_for_the_block_of_a_taken_item(kind: type[Queue[int]]) -> None:
    queue = kind(1)
    joined = anyio.Event()

    async def join() -> None:
        await queue.join()
        joined.set()

    async with anyio.create_task_group() as tg:
        await queue.put(1)
        async with queue.take() as item:
            assert item == 1
            tg.start_soon(join)
            await wait_until_blocked()
            assert not joined.is_set()
            assert queue.statistics().unfinished == 1
    assert joined.is_set()


async def test_join_does_not_overlook_an_item_on_its_way(kind: type[Queue[int]]) -> None:
    queue = kind(1)
    done = list[int]()

    async def work() -> None:
        async with queue.take() as item:
            await anyio.lowlevel.checkpoint()
            done.append(item)

    async with anyio.create_task_group() as tg:
        tg.start_soon(work)
        await wait_until_blocked()
        queue.put_nowait(1)
        await queue.join()
        assert done == [1]


@pytest.mark.virtual_time
async def test_who_waits_is_told_at_once_that_the_last_item_of_a_closed_queue_is_taken(
    kind: type[Queue[int]],
) -> None:
    async def take() -> None:
        try:
            async with queue.take() as item:
                taken.append(item)
                await told.wait()
        except ClosedResourceError:
            told.set()

    queue, taken, told = filled(kind, 1), list[int](), anyio.Event()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(queue.put, 2)  # waits for a place
            await wait_until_blocked()
            tg.start_soon(take)
            tg.start_soon(take)
            await anyio.lowlevel.checkpoint()  # both see an item, and let others run
            queue.get_nowait()
            queue.close()
    assert taken == [2]


@pytest.mark.virtual_time
async def test_an_item_is_done_when_its_block_fails(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    with pytest.raises(LookupError):
        async with queue.take():
            raise LookupError
    with anyio.fail_after(5):
        await queue.join()


async def test_the_statistics_tell_who_waits(kind: type[Queue[int]]) -> None:
    queue = filled(kind, 1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.put, 2, name="producer")
        await wait_until_blocked()
        statistics = queue.statistics()
        assert (statistics.items, statistics.max_size, statistics.unfinished) == (1, 1, 0)
        assert (statistics.tasks_waiting_put, statistics.tasks_waiting_get) == (1, 0)
        assert [(each.name, each.waits_for) for each in statistics.waiters] == [
            ("producer", f"{kind.__name__}.put")
        ]
        assert repr(queue) == f"<{kind.__name__} 1 of 1 items, 1 putting, 0 getting, open>"
        tg.cancel_scope.cancel()


async def test_another_thread_is_refused_once_a_task_has_waited(kind: type[Queue[int]]) -> None:
    queue = kind(1)
    errors = list[RuntimeError]()

    def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="put_nowait") as caught:
            queue.put_nowait(1)
        errors.append(caught.value)

    async with anyio.create_task_group() as tg:
        tg.start_soon(queue.get)
        await wait_until_blocked()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
        tg.cancel_scope.cancel()
    assert len(errors) == 1


async def test_wrong_sizes_are_refused(kind: type[Queue[int]]) -> None:
    with pytest.raises(ValueError, match=r"^max_size must be >= 1, not 0$"):
        kind(0)
    with pytest.raises(TypeError, match=r"^max_size must be an int, not 1\.0$"):
        kind(1.0)  # type: ignore[arg-type]


async def test_fast_acquire_does_not_yield_when_it_need_not_wait(kind: Any) -> None:
    queue = kind(10, fast_acquire=True)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tg:
        tg.start_soon(other)
        for item in range(10):
            await queue.put(item)
        for _ in range(10):
            await queue.get()
        assert others <= 1
        tg.cancel_scope.cancel()


async def test_fast_acquire_passes_a_checkpoint_within_64_operations(kind: Any) -> None:
    queue = kind(1, fast_acquire=True)

    with anyio.CancelScope() as scope:
        scope.cancel()
        for item in range(32):
            await queue.put(item)
            await queue.get()
    assert scope.cancelled_caught


@pytest.mark.parametrize("operation", ["put", "get", "take", "iterate"])
async def test_a_closed_queue_does_not_starve_others(kind: Any, operation: str) -> None:
    queue = kind(1, fast_acquire=True)
    queue.close()

    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(64):
            with suppress(ClosedResourceError):
                if operation == "put":
                    await queue.put(1)
                elif operation == "get":
                    await queue.get()
                elif operation == "take":
                    async with queue.take():
                        pass
                else:
                    assert [item async for item in queue] == []
    assert scope.cancelled_caught


def test_a_queue_in_which_a_task_waits_in_any_way_is_refused_to_another_event_loop(kind: Any) -> None:
    for first in "put", "get", "join":
        queue = kind(1)

        async def wait(first: str = first, queue: Queue[int] = queue) -> None:
            if first != "get":
                queue.put_nowait(0)
            async with anyio.create_task_group() as tg:
                operation = partial(queue.put, 1) if first == "put" else getattr(queue, first)
                tg.start_soon(operation)
                await wait_until_blocked()
                tg.cancel_scope.cancel()

        with asyncio.Runner() as home, asyncio.Runner() as other:
            home.run(wait())
            for operation in queue.put(2), queue.get(), queue.join():
                with pytest.raises(RuntimeError, match="in another event loop"):
                    other.run(operation)


def test_what_is_in_a_queue_is_gone_as_soon_as_nobody_has_it(kind: Any) -> None:
    class Item:
        pass

    async def use() -> "weakref.ref[Item]":
        queue, item = kind(1), Item()
        async with anyio.create_task_group() as tg:
            tg.start_soon(queue.get)
            await wait_until_blocked()
            await queue.put(Item())
        await queue.put(item)
        return weakref.ref(item)

    gc.disable()
    try:
        assert anyio.run(use)() is None
    finally:
        gc.enable()
