"""What `WorkerPool.resize` promises where items submit others and wait for room."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from functools import partial

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ItemHandle, ItemStatus, WorkerPool
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import explore, invariant, wait_until_blocked

pytestmark = pytest.mark.anyio


class Feeders:
    """Items of a pool: "feed 2" submits two others when all are begun, "slow" waits until it may end."""

    def __init__(self, workers: int) -> None:
        self.may_feed: dict[str, anyio.Event] = defaultdict(anyio.Event)
        self.may_end = anyio.Event()
        self.done: list[str] = []
        self.pool: WorkerPool[str, None] = WorkerPool(workers, self._work, max_queue=1)

    async def _work(self, item: str) -> None:
        if item == "slow":
            await self.may_end.wait()
        elif item.startswith("feed"):
            await self.may_feed[item].wait()
            for number in range(int(item[-1])):
                await self.pool.submit(f"{number} of {item}")
        self.done.append(item)

    async def begin(self, *items: str) -> list[ItemHandle[str, None]]:
        handles: list[ItemHandle[str, None]] = []
        for item in items:
            handles.append(await self.pool.submit(item))
            await wait_until_blocked()
        for item in items:
            self.may_feed[item].set()
            await wait_until_blocked()
        return handles


ALL = ["slow", "feed 2", "feed 1", "0 of feed 2", "1 of feed 2", "0 of feed 1"]


@pytest.mark.parametrize("size", [1, 2])
async def test_who_waits_for_room_is_not_left_alone_when_there_are_to_be_fewer_workers(size: int) -> None:
    feeders = Feeders(3)

    async with feeders.pool as pool:
        await feeders.begin("slow", "feed 2", "feed 1")
        assert pool.statistics().waiting == 2
        pool.resize(size)
        feeders.may_end.set()
        with anyio.fail_after(5):
            await pool.join()
        assert pool.statistics().workers <= size

    assert sorted(feeders.done) == sorted(ALL)


@pytest.mark.parametrize("size", [1, 2])
async def test_nor_when_the_item_of_the_only_other_worker_is_cancelled(size: int) -> None:
    feeders = Feeders(3)

    async with feeders.pool as pool:
        (slow, *_) = await feeders.begin("slow", "feed 2", "feed 1")
        pool.resize(size)
        slow.cancel()
        with anyio.fail_after(5):
            await pool.join()
        assert pool.statistics().workers <= size

    assert slow.status is ItemStatus.CANCELLED
    assert sorted(feeders.done) == sorted(item for item in ALL if item != "slow")


async def test_a_worker_too_many_stays_if_there_are_to_be_more_again() -> None:
    feeders = Feeders(3)

    async with feeders.pool as pool:
        await feeders.begin("slow", "slow")
        pool.resize(1)
        pool.resize(2)
        feeders.may_end.set()
        await pool.join()
        assert pool.statistics().workers == 2


async def test_a_worker_too_many_that_has_to_stay_lets_others_run() -> None:
    done = 0
    may_end, may_feed = anyio.Event(), anyio.Event()

    async def work(item: str) -> None:
        nonlocal done
        if item == "slow":
            await may_end.wait()
        elif item == "feed":
            await may_feed.wait()
            await pool.submit("quick")
        done += 1

    async with WorkerPool(2, work, max_queue=200) as pool, anyio.create_task_group() as tg:
        await pool.submit("slow")
        await wait_until_blocked()
        await pool.submit("feed")
        await wait_until_blocked()
        for _ in range(200):
            await pool.submit("quick")
        for _ in range(300):
            tg.start_soon(pool.submit, "quick")
        await wait_until_blocked()
        may_feed.set()
        await wait_until_blocked()
        pool.resize(1)
        may_end.set()
        while done < 400:
            before = done
            await checkpoint()
            assert done - before <= 2 * 64


async def feeders_that_are_resized() -> None:
    """In any order each item is done, or refused since it would wait for itself."""
    running = 0

    async def work(item: str) -> None:
        nonlocal running
        running += 1
        try:
            await anyio.sleep(1)
            if item.startswith("feed"):
                with suppress(RuntimeError):
                    for number in range(2):
                        await pool.submit(f"{number} of {item}")
        finally:
            running -= 1

    async def resize(size: int, seconds: float) -> None:
        await anyio.sleep(seconds)
        pool.resize(size)

    invariant(lambda: running <= 3)
    async with WorkerPool(3, work, max_queue=1) as pool:
        async with create_task_group() as tg:
            tg.start_soon(partial(resize, 1, 1))
            tg.start_soon(partial(resize, 2, 2))
            tg.start_soon(partial(resize, 1, 2))
            handles = [await pool.submit(item) for item in ("slow", "feed a", "feed b")]
            await anyio.sleep(1)
            handles[0].cancel()
        await pool.join()
        assert {handle.status for handle in handles[1:]} == {ItemStatus.FINISHED}
        assert pool.statistics().workers <= pool.statistics().num_workers


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_pool_that_is_resized_comes_to_its_end_in_any_order(backend: str) -> None:
    explore(feeders_that_are_resized, schedules=200, backend=backend).check()
