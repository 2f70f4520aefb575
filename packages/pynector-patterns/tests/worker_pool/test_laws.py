"""Laws of the worker pool: what goes in comes out, once, whatever happens."""

from __future__ import annotations

from collections import Counter

import anyio
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from pynector.concurrency.patterns import ItemHandle, ItemStatus, WorkerPool
from pynector.concurrency.testing import run_in_virtual_time

actions = st.lists(st.sampled_from(["submit", "fail", "cancel", "resize", "wait", "yield"]), max_size=40)


class Work:
    def __init__(self) -> None:
        self.begun: list[int] = []
        self.running = self.peak = 0

    async def work(self, item: int) -> int:
        self.begun.append(item)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await anyio.sleep(0.01 * (item % 5))
            if item < 0:
                raise ValueError(item)
            return item
        finally:
            self.running -= 1


@given(actions, st.integers(1, 4), st.integers(1, 5), st.sampled_from([None, 0.0, 0.015]))
def test_each_item_is_done_once_or_failed_or_cancelled_or_given_back(
    actions: list[str], workers: int, max_queue: int, grace: float | None
) -> None:
    work = Work()

    async def main() -> None:
        pool = WorkerPool(workers, work.work, max_queue=max_queue)
        await pool.start()
        handles: list[ItemHandle[int, int]] = []
        for number, action in enumerate(actions, start=1):
            match action:
                case "submit":
                    handles.append(await pool.submit(number))
                case "fail":
                    handles.append(await pool.submit(-number))
                case "cancel" if handles:
                    handles[number % len(handles)].cancel()
                case "resize":
                    pool.resize(1 + number % 4)
                case "wait":
                    await anyio.sleep(0.02)
                case _:
                    await checkpoint()
            assert pool.statistics().queued <= max_queue
        failed = await stop(pool, grace)
        check(pool, handles, failed)

    run_in_virtual_time(main)
    assert work.peak <= max(4, workers)
    assert set(Counter(work.begun).values()) <= {1}


async def stop(pool: WorkerPool[int, int], grace: float | None) -> int:
    raised: list[ExceptionGroup] = []
    try:
        await pool.stop(grace)
    except ExceptionGroup as errors:
        raised.append(errors)
    for errors in raised:
        count = int(errors.message.split()[0])
        assert len(errors.exceptions) == min(count, 10)
        return count
    return 0


def check(pool: WorkerPool[int, int], handles: list[ItemHandle[int, int]], failed: int) -> None:
    statuses = Counter(handle.status for handle in handles)
    statistics = pool.statistics()
    assert statistics.finished == statuses[ItemStatus.FINISHED]
    assert statistics.failed == statuses[ItemStatus.FAILED] == failed
    assert statistics.cancelled == statuses[ItemStatus.CANCELLED] >= len(pool.unprocessed)
    assert sum(statuses.values()) == len(handles)
    assert statistics.workers == statistics.queued == statistics.waiting == 0
    for handle in handles:
        if handle.status is ItemStatus.FINISHED:
            assert handle.return_value == handle.item
        elif handle.status is ItemStatus.FAILED:
            assert isinstance(handle.exception, ValueError)
