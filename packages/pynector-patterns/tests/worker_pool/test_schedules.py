"""No item is lost or done twice, in any order of the tasks, wherever one is cancelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ItemHandle, ItemStatus, WorkerPool
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import parked_tasks
from pynector.concurrency.testing import FaultKind, cancel_everywhere, explore, invariant

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])

Scenario = Callable[[], Coroutine[Any, Any, None]]


class Records:
    """Records what was submitted, begun and ended."""

    def __init__(self, workers: int) -> None:
        self.running = 0
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.handles: dict[str, ItemHandle[str, str]] = {}
        self.refused: list[str] = []
        invariant(lambda: self.running <= workers)

    async def work(self, item: str) -> str:
        self.running += 1
        self.begun.append(item)
        try:
            for _ in range(ord(item[-1]) % 3):
                await checkpoint()
            self.ended.append(item)
            return item
        finally:
            self.running -= 1

    async def submit(self, pool: WorkerPool[str, str], item: str) -> None:
        try:
            self.handles[item] = await pool.submit(item)
        except BaseException as error:
            self.refused.append(item)
            if not isinstance(error, anyio.ClosedResourceError):
                raise

    def balance(self, pool: WorkerPool[str, str], *, dropped: tuple[str, ...] = ()) -> None:
        """Each item that was taken is done exactly once, or listed, or was cancelled for itself."""
        assert self.running == 0
        assert set(Counter(self.begun).values()) <= {1}
        assert set(Counter(pool.unprocessed).values()) <= {1}
        assert not set(self.refused) & set(self.begun)
        for item, handle in self.handles.items():
            status = handle.status
            assert handle.done
            assert (status is ItemStatus.FINISHED) == (item in self.ended), (item, status)
            if status is ItemStatus.CANCELLED:
                assert item in pool.unprocessed or item in dropped, item
            else:
                assert item not in pool.unprocessed, item
        assert pool.statistics().queued == pool.statistics().running == pool.statistics().waiting == 0


async def apart(func: Scenario) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


async def a_block() -> None:
    records = Records(2)
    pool = WorkerPool(2, records.work, max_queue=1)

    async def use() -> None:
        try:
            async with pool:

                async def one() -> None:
                    for item in "1a", "1b", "1c":
                        await records.submit(pool, item)

                async def another() -> None:
                    for item in "2a", "2b":
                        await records.submit(pool, item)
                        await checkpoint()

                async with create_task_group() as tg:
                    tg.start_soon(apart, one)
                    tg.start_soon(apart, another)
        except anyio.BrokenResourceError:
            pass  # a worker was cancelled natively
        finally:
            records.balance(pool)

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def a_started_pool() -> None:
    records = Records(2)
    pool = WorkerPool(2, records.work, max_queue=2)

    async def start() -> None:
        await pool.start()

    async def one() -> None:
        for item in "1a", "1b", "1c":
            await records.submit(pool, item)

    async def another() -> None:
        for item in "2a", "2b":
            await records.submit(pool, item)

    async def stop() -> None:
        await checkpoint()
        await checkpoint()
        await pool.stop()

    await start()
    async with create_task_group() as tg:
        tg.start_soon(apart, one)
        tg.start_soon(apart, another)
        tg.start_soon(apart, stop)
    await pool.stop()
    records.balance(pool)


async def a_pool_that_is_stopped_with_grace() -> None:
    records = Records(1)
    pool = WorkerPool(1, records.work)

    async def use() -> None:
        for item in "1a", "1b", "1c", "1d":
            await records.submit(pool, item)
        await checkpoint()
        undone = await pool.stop(grace=0)
        assert undone == pool.unprocessed

    await pool.start()
    async with create_task_group() as tg:
        tg.start_soon(apart, use)
    await pool.stop()
    records.balance(pool)


async def items_that_are_awaited_and_cancelled() -> None:
    records = Records(2)
    pool = WorkerPool(2, records.work)
    dropped: list[str] = []

    async def use() -> None:
        for item in "1a", "1b", "1c", "1d":
            await records.submit(pool, item)
        if records.refused:
            return

        async def wait() -> None:
            try:
                assert await records.handles["1a"] == "1a"
            except anyio.TaskCancelled:
                assert "1a" in pool.unprocessed

        async def drop() -> None:
            await checkpoint()
            dropped.extend(["1b", "1d"])
            records.handles["1b"].cancel()
            records.handles["1d"].cancel()
            await records.handles["1b"].wait()
            await pool.join()

        async with create_task_group() as tg:
            tg.start_soon(apart, wait)
            tg.start_soon(apart, drop)

    await pool.start()
    async with create_task_group() as tg:
        tg.start_soon(apart, use)
    await pool.stop()
    records.balance(pool, dropped=tuple(dropped))


async def a_map_over_a_pool() -> None:
    records = Records(2)
    pool = WorkerPool(2, records.work, max_queue=1)

    async def use() -> None:
        try:
            assert await pool.map(["1a", "1b", "1c", "1d"]) == ["1a", "1b", "1c", "1d"]
        except anyio.TaskCancelled:
            assert pool.unprocessed
        except anyio.ClosedResourceError:
            pass
        finally:
            assert records.running == 0

    await pool.start()
    async with create_task_group() as tg:
        tg.start_soon(apart, use)
    await pool.stop()
    assert set(Counter(records.begun).values()) <= {1}


async def a_pool_that_is_resized() -> None:
    records = Records(3)
    pool = WorkerPool(1, records.work)

    async def use() -> None:
        async with pool:
            for item in "1a", "1b", "1c", "1d", "1e":
                await records.submit(pool, item)
            await checkpoint()
            pool.resize(3)
            await checkpoint()
            pool.resize(1)
            await records.submit(pool, "1f")

    try:
        async with create_task_group() as tg:
            tg.start_soon(apart, use)
    except anyio.BrokenResourceError:
        pass
    records.balance(pool)


async def items_that_many_wait_for() -> None:
    async def work(item: int) -> int:
        for _ in range(item % 3):
            await checkpoint()
        return 2 * item

    async def want(handle: ItemHandle[int, int]) -> None:
        with suppress(anyio.TaskCancelled):  # a worker was cancelled
            assert await handle == 2 * handle.item
        told.append(handle.item)

    told: list[int] = []
    try:
        async with WorkerPool(2, work) as pool:
            async with create_task_group() as tg:
                for handle in [pool.submit_nowait(item) for item in range(6)]:
                    for _ in range(2):
                        tg.start_soon(apart, partial(want, handle))
            assert not [parked for parked in parked_tasks() if parked.waits_for.startswith("an item")]
    except anyio.BrokenResourceError:
        return  # a worker was cancelled
    assert len(told) >= 11, "more than one was cancelled"


scenarios = pytest.mark.parametrize(
    "scenario",
    [
        a_block,
        a_started_pool,
        a_pool_that_is_stopped_with_grace,
        items_that_are_awaited_and_cancelled,
        items_that_many_wait_for,
        a_map_over_a_pool,
        a_pool_that_is_resized,
    ],
)


@scenarios
@backends
def test_promises_hold_in_any_order(scenario: Scenario, backend: str) -> None:
    explore(scenario, schedules=100, backend=backend).check()


@scenarios
@backends
@pytest.mark.filterwarnings("ignore:worker pool was never stopped")
def test_promises_hold_wherever_a_task_is_cancelled(scenario: Scenario, backend: str) -> None:
    cancel_everywhere(scenario, victims=is_victim, backend=backend).check()


async def who_submits_while_cancelled() -> None:
    async def victim() -> None:
        async with WorkerPool(2, Records(2).work, max_queue=1) as pool:
            for item in "1a", "1b", "1c", "1d":
                await pool.submit(item)

    async with create_task_group() as tg:
        tg.start_soon(victim)


async def who_awaits_and_maps_while_cancelled() -> None:
    async def victim() -> None:
        async with WorkerPool(2, Records(2).work, max_queue=2) as pool:
            for handle in [pool.submit_nowait(item) for item in ("1b", "1c")]:
                await handle
            await pool.map(["2a", "2b", "2c"])
            await pool.submit("2d")
            await pool.join()
            await pool.submit("2e")
            await pool.stop()

    async with create_task_group() as tg:
        tg.start_soon(victim)


@pytest.mark.parametrize("scenario", [who_submits_while_cancelled, who_awaits_and_maps_while_cancelled])
@pytest.mark.parametrize(
    ("backend", "faults"), [("asyncio", ("scope", "native", "both", "twice")), ("trio", ("scope",))]
)
def test_a_task_that_is_cancelled_gets_the_cancellation_and_nothing_else(
    scenario: Scenario, backend: str, faults: tuple[FaultKind, ...]
) -> None:
    victims = "victim".__eq__
    cancel_everywhere(scenario, faults=faults, victims=victims, orders=10, backend=backend).check()


def test_a_map_that_is_cancelled_again_in_its_clean_up_leaves_no_item_running() -> None:
    async def scenario() -> None:
        running = 0

        async def work(_: int) -> None:
            nonlocal running
            running += 1
            try:
                await anyio.sleep(1)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(1)
                running -= 1

        async def use() -> None:
            try:
                await pool.map(range(3))
            finally:
                assert running == 0, "an item outlives the call"

        pool = WorkerPool(2, work)
        await pool.start()
        async with create_task_group() as tg:
            tg.start_soon(apart, use)
        await pool.stop()

    cancel_everywhere(scenario, faults=("twice", "again"), victims="use".__eq__, orders=5).check()
