"""What `WorkerPool` promises of items, handles and errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ItemStatus, WorkerPool
from pynector.concurrency.task.lowlevel import OPERATIONS_PER_CHECKPOINT, parked_tasks
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def fail(item: object) -> None:
    await checkpoint()
    raise ValueError(item)


class Gate:
    """A worker function that lets nothing through until it is opened."""

    def __init__(self) -> None:
        self.begun: list[object] = []
        self.ended: list[object] = []
        self.open = anyio.Event()

    async def __call__(self, item: object) -> object:
        self.begun.append(item)
        await self.open.wait()
        self.ended.append(item)
        return item


async def test_start_and_stop_process_every_item() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await checkpoint()
        done.append(number)

    pool = WorkerPool(num_workers=2, worker_func=work)
    await pool.start()
    for number in range(5):
        await pool.submit(number)

    assert await pool.stop() == []
    assert sorted(done) == list(range(5))


async def test_block_finishes_what_is_queued() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await checkpoint()
        done.append(number)

    async with WorkerPool(3, work) as pool:
        for number in range(100):
            await pool.submit(number)

    assert sorted(done) == list(range(100))


async def test_handle_returns_the_result() -> None:
    async with WorkerPool(2, double) as pool:
        handles = [await pool.submit(number) for number in range(10)]
        results = [await handle for handle in handles]

    assert results == [2 * number for number in range(10)]
    assert [handle.return_value for handle in handles] == results
    assert handles[0].exception is None
    assert repr(handles[3]) == "<ItemHandle finished item=3>"


@pytest.mark.parametrize("item", [None, StopIteration(), ..., ()])
async def test_any_object_is_an_item(item: object) -> None:
    async def work(item: object) -> object:
        return item

    async with WorkerPool(1, work) as pool:
        assert await (await pool.submit(item)) is item


@pytest.mark.parametrize("workers", [1, 3, 10])
async def test_never_more_items_at_a_time_than_workers(workers: int) -> None:
    running = peak = 0

    async def work(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(20):
            await checkpoint()
        running -= 1

    async with WorkerPool(workers, work) as pool:
        for number in range(40):
            await pool.submit(number)

    assert peak == workers


async def test_items_begin_in_order_of_arrival() -> None:
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await checkpoint()

    async with WorkerPool(3, work) as pool:
        for number in range(50):
            await pool.submit(number)

    assert begun == list(range(50))


async def test_status_follows_an_item() -> None:
    gate = Gate()

    async def work(item: int) -> None:
        await gate(item)
        if item == 1:
            raise ValueError

    async with WorkerPool(1, work) as pool:
        handles = [await pool.submit(item) for item in range(3)]
        await wait_until_blocked()
        before = [handle.status for handle in handles]
        handles[2].cancel()
        gate.open.set()
        await pool.join()
        assert isinstance(handles[1].exception, ValueError)

    assert before == [ItemStatus.RUNNING, ItemStatus.QUEUED, ItemStatus.QUEUED]
    assert [h.status for h in handles] == [ItemStatus.FINISHED, ItemStatus.FAILED, ItemStatus.CANCELLED]


async def test_handle_raises_the_items_error_and_then_the_pool_does_not() -> None:
    async with WorkerPool(2, fail) as pool:
        handle = await pool.submit(1)
        with pytest.raises(ValueError, match="1"):
            await handle


async def test_errors_that_nobody_has_read_are_raised_by_the_block_as_one_group() -> None:
    with pytest.raises(ExceptionGroup, match="2 items of a worker pool failed") as caught:
        async with WorkerPool(2, fail) as pool:
            await pool.submit(1)
            await pool.submit(2)

    assert sorted(str(error) for error in caught.value.exceptions) == ["1", "2"]


async def test_errors_that_nobody_has_read_are_raised_by_stop_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pool = WorkerPool(2, fail)
    await pool.start()
    await pool.submit(1)

    with pytest.raises(ExceptionGroup, match="1 item of a worker pool failed"):
        await pool.stop()

    assert await pool.stop() == []
    assert capsys.readouterr() == ("", "")


async def test_failing_item_stops_no_worker() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number % 2:
            raise ValueError(number)
        done.append(number)

    with pytest.raises(ExceptionGroup):
        async with WorkerPool(1, work) as pool:
            for number in range(10):
                await pool.submit(number)

    assert done == [0, 2, 4, 6, 8]


async def test_exception_that_leaves_the_block_cancels_what_is_not_done() -> None:
    gate = Gate()

    with pytest.raises(KeyError):
        async with WorkerPool(1, gate) as pool:
            handles = [await pool.submit(item) for item in range(3)]
            await wait_until_blocked()
            raise KeyError

    assert gate.begun == [0]
    assert gate.ended == []
    assert pool.unprocessed == [0, 1, 2]
    assert {handle.status for handle in handles} == {ItemStatus.CANCELLED}
    with pytest.raises(anyio.TaskCancelled):
        await handles[0]


async def test_exception_that_leaves_the_block_has_failed_items_as_notes() -> None:
    with pytest.raises(KeyError) as caught:
        async with WorkerPool(1, fail) as pool:
            await pool.submit("item")
            await pool.join()
            raise KeyError

    assert caught.value.__notes__ == ["an item of a worker pool failed, too: ValueError: item"]


@pytest.mark.virtual_time
async def test_items_are_inside_the_scopes_around_the_block() -> None:
    with anyio.CancelScope() as scope:
        async with WorkerPool(1, Gate()) as pool:
            await pool.submit(1)
            await wait_until_blocked()
            scope.cancel()

    assert scope.cancelled_caught
    assert pool.unprocessed == [1]


async def test_items_of_a_started_pool_are_outside_the_scopes() -> None:
    gate = Gate()
    pool = WorkerPool(1, gate)

    with anyio.CancelScope() as scope:
        await pool.start()
        await pool.submit(1)
        await wait_until_blocked()
        scope.cancel()
        await checkpoint()

    gate.open.set()
    assert await pool.stop() == []
    assert gate.ended == [1]


async def test_stop_may_be_called_by_another_task_than_start() -> None:
    pool = WorkerPool(1, double)

    async with anyio.create_task_group() as tg:
        tg.start_soon(pool.start)
    handle = await pool.submit(4)
    async with anyio.create_task_group() as tg:
        tg.start_soon(pool.stop)

    assert await handle == 8


async def test_each_item_runs_in_its_own_copy_of_its_submitters_context() -> None:
    variable: ContextVar[object] = ContextVar("variable")
    variable.set(at_start := [0])
    seen: list[object] = []

    async def work(_: int) -> None:
        seen.append(variable.get())
        variable.set([0])  # equal, and yet another
        await checkpoint()

    async with WorkerPool(1, work) as pool:
        await pool.submit(1)
        await pool.submit(2)
        variable.set(later := [0])
        await pool.submit(3)
        await pool.submit(4)

    assert [value is at_start for value in seen] == [True, True, False, False]
    assert [value is later for value in seen] == [False, False, True, True]
    assert variable.get() is later


async def test_awaiting_results_that_are_there_lets_others_run_after_64_at_the_latest() -> None:
    turns = 0
    done = False

    async def other() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await checkpoint()

    async with WorkerPool(1, double) as pool:
        handle = await pool.submit(1)
        await handle
        async with anyio.create_task_group() as tg:
            tg.start_soon(other)
            await checkpoint()
            before = turns
            for _ in range(1000):
                assert await handle == 2
            done = True

    assert turns - before >= 14


def idle_since() -> list[float]:
    """Since when each idle worker has been idle."""
    return [parked.since for parked in parked_tasks() if parked.waits_for == "WorkerPool"]


@asynccontextmanager
async def fifty_idle_workers() -> AsyncIterator[WorkerPool[int, None]]:
    gate = anyio.Event()

    async def work(item: int) -> None:
        if item < 0:
            await gate.wait()

    async with WorkerPool(50, work, max_queue=None) as pool:
        for _ in range(50):
            pool.submit_nowait(-1)
        await wait_until_blocked()  # there are fifty workers now
        gate.set()
        await pool.join()
        await wait_until_blocked()
        yield pool


async def test_items_that_never_wait_wake_few_workers() -> None:
    async with fifty_idle_workers() as pool:
        before = idle_since()
        for item in range(150):
            pool.submit_nowait(item)
        await pool.join()
        await wait_until_blocked()

        after = idle_since()
        assert len(before) == len(after) == 50
        assert len(set(after) - set(before)) <= 6  # who was woken has gone idle anew


async def test_a_batch_of_items_that_never_wait_wakes_one_worker() -> None:
    async with fifty_idle_workers() as pool:
        before = idle_since()
        for item in range(10 * OPERATIONS_PER_CHECKPOINT):
            await pool.submit(item)
        await pool.join()
        await wait_until_blocked()

        assert len(set(idle_since()) - set(before)) <= 13  # twenty, if each wakes one too many


async def test_finished_counts_the_items_of_workers_that_have_left() -> None:
    async with WorkerPool(3, double, max_queue=None) as pool:
        for size in 3, 1, 2:
            pool.resize(size)
            cancelled = await pool.submit(0)
            cancelled.cancel()
            for number in range(100):
                await pool.submit(number)
            await pool.join()

    statistics = pool.statistics()
    assert (statistics.finished, statistics.failed, statistics.cancelled) == (300, 0, 3)
    assert (statistics.workers, statistics.running) == (0, 0)


@pytest.mark.parametrize("before", ["nothing", "items that wait", "items that do not"])
async def test_items_that_wait_are_worked_on_by_all_workers(before: str) -> None:
    gate = anyio.Event()
    running = 0

    async def work(item: int) -> None:
        nonlocal running
        running += 1
        if item:
            await gate.wait()

    async with WorkerPool(20, work, max_queue=None) as pool:
        if before != "nothing":
            for _ in range(3):
                gate.set()
                for _ in range(200):
                    pool.submit_nowait(before == "items that wait")
                await pool.join()
            gate, running = anyio.Event(), 0
        for _ in range(25):
            pool.submit_nowait(1)
        await wait_until_blocked()
        assert running == 20
        gate.set()
