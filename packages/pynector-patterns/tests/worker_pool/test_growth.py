"""What does not cost more where there is more of it; counted, not timed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ItemHandle, WorkerPool
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

comparisons = 0


class CountedHandle(ItemHandle[Any, Any]):
    """Counts how often it is compared, as by a search in a `list` or `deque`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        global comparisons
        comparisons += 1
        return self is other

    __hash__ = ItemHandle.__hash__


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Count the lines of the worker pool's own modules that run, and comparisons of handles."""
    steps = [0]
    before = comparisons

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if "_workers" not in frame.f_code.co_filename:
            return None
        steps[0] += event == "line"
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(old)
        steps[0] += comparisons - before


async def forever(_: object) -> None:
    await anyio.sleep_forever()


async def steps_of_cancelling(
    items: int, *, priorities: bool, behind: int, order: Callable[[list[Any]], list[Any]]
) -> int:
    async with WorkerPool(1, forever, max_queue=None, priorities=priorities, grace=0) as pool:
        for item in range(behind + 1):
            pool.submit_nowait(item)
        await wait_until_blocked()
        handles = order([pool.submit_nowait(item) for item in range(items)])
        with counted_steps() as steps:
            for handle in handles:
                handle.cancel()
        assert pool.statistics().queued == behind
    return steps[0]


ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "first to last": list,
    "last to first": lambda handles: handles[::-1],
    "every other first": lambda handles: handles[::2] + handles[1::2],
}


@pytest.fixture
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynector.concurrency.patterns._workers.pool.ItemHandle", CountedHandle)


@pytest.mark.usefixtures("_counts")
@pytest.mark.on("trio")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("priorities", "behind"), [(False, 0), (False, 500), (True, 0), (True, 500)])
async def test_cancelling_a_queued_item_costs_the_same_however_many_are_queued(
    priorities: bool, behind: int, order: str
) -> None:
    options: dict[str, Any] = {"priorities": priorities, "order": ORDERS[order]}
    few = await steps_of_cancelling(50, behind=behind // 10, **options)
    many = await steps_of_cancelling(500, behind=behind, **options)

    assert many < 15 * few


@pytest.mark.usefixtures("_counts")
@pytest.mark.on("trio")
@pytest.mark.parametrize("priorities", [False, True])
async def test_a_cancelled_map_costs_as_much_as_its_items_are_many(priorities: bool) -> None:
    async def steps(items: int) -> int:
        async with WorkerPool(1, forever, max_queue=None, priorities=priorities, grace=0) as pool:
            for item in range(items):
                pool.submit_nowait(item)
            async with anyio.create_task_group() as tg:
                tg.start_soon(pool.map, range(items))
                await wait_until_blocked()
                with counted_steps() as steps:
                    tg.cancel_scope.cancel()
                    await wait_until_blocked()
            assert pool.statistics().queued == items - 1
        return steps[0]

    assert await steps(500) < 15 * await steps(50)


def test_a_cancelled_await_of_a_handle_costs_the_same_however_many_await_it() -> None:
    class CountedFuture(asyncio.Future[Any]):
        def __eq__(self, other: object) -> bool:
            global comparisons
            comparisons += 1
            return self is other

        __hash__ = asyncio.Future.__hash__

    async def cancel_all(wait: Callable[[ItemHandle[Any, Any]], Awaitable[Any]]) -> int:
        async with WorkerPool(1, forever, grace=0) as pool:
            handle = pool.submit_nowait(1)
            tasks = [asyncio.ensure_future(wait(handle)) for _ in range(200)]
            await asyncio.sleep(0)
            before = comparisons
            for task in reversed(tasks):
                task.cancel()
            await asyncio.wait(tasks)
            return comparisons - before

    async def result(handle: ItemHandle[Any, Any]) -> Any:
        return await handle

    loop = asyncio.new_event_loop()
    loop.create_future = lambda: CountedFuture(loop=loop)  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(cancel_all(ItemHandle.wait)) < 200
        assert runner.run(cancel_all(result)) < 200


async def test_an_item_that_was_cancelled_takes_no_room() -> None:
    async with WorkerPool(1, forever, max_queue=4, grace=0) as pool:
        pool.submit_nowait(0)
        await wait_until_blocked()
        for _ in range(3):
            handles = [pool.submit_nowait(item) for item in range(4)]
            with pytest.raises(anyio.WouldBlock):
                pool.submit_nowait(5)
            handles[1].cancel()
            assert pool.statistics().queued == 3
            pool.submit_nowait(6).cancel()
            for handle in handles:
                handle.cancel()
            assert pool.statistics().queued == 0
            assert repr(pool) == "<WorkerPool running, 1 running, 0 queued>"


@pytest.mark.parametrize("priorities", [False, True])
async def test_a_worker_skips_the_items_that_were_cancelled(priorities: bool) -> None:
    begun: list[int] = []
    may_go_on = anyio.Event()

    async def work(item: int) -> None:
        begun.append(item)
        await may_go_on.wait()

    async with WorkerPool(1, work, priorities=priorities) as pool:
        pool.submit_nowait(-1)
        await wait_until_blocked()
        handles = [pool.submit_nowait(item) for item in range(10)]
        for item in 0, 3, 9:
            handles[item].cancel()
        may_go_on.set()
        await pool.join()
        assert pool.statistics().queued == 0
        assert pool.statistics().finished == 8
        assert pool.statistics().cancelled == 3

    assert begun == [-1, 1, 2, 4, 5, 6, 7, 8]
