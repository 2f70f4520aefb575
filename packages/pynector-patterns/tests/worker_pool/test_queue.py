"""What `WorkerPool` promises of its queue: room, priorities, `submit_nowait`, `join`."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ItemHandle, ItemStatus, WorkerPool
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


class Gate:
    """A worker function that lets nothing through until it is opened."""

    def __init__(self) -> None:
        self.begun: list[object] = []
        self.open = anyio.Event()

    async def __call__(self, item: object) -> object:
        self.begun.append(item)
        await self.open.wait()
        return item


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def test_submit_waits_while_the_queue_is_full() -> None:
    gate = Gate()
    submitted: list[int] = []

    async def submit() -> None:
        for number in range(10):
            await pool.submit(number)
            submitted.append(number)

    async with WorkerPool(2, gate, max_queue=3) as pool, anyio.create_task_group() as tg:
        tg.start_soon(submit)
        await wait_until_blocked()
        assert submitted == [0, 1, 2, 3, 4]
        assert pool.statistics().waiting == 1
        gate.open.set()

    assert gate.begun == list(range(10))


async def test_submitters_are_let_in_in_order_of_arrival() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, max_queue=1) as pool, anyio.create_task_group() as tg:
        for number in range(6):
            tg.start_soon(pool.submit, number)
            await wait_until_blocked()
        gate.open.set()

    assert gate.begun == list(range(6))


async def test_the_queue_is_bounded_by_default() -> None:
    async with WorkerPool(1, Gate()) as pool:
        with pytest.raises(anyio.WouldBlock):
            for number in range(10_000):
                pool.submit_nowait(number)
        assert pool.statistics().queued == 1000
        await pool.stop(grace=0)


async def test_without_limit_submit_never_waits_for_room() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, max_queue=None) as pool:
        for number in range(3000):
            await pool.submit(number)
        gate.open.set()

    assert len(gate.begun) == 3000


async def test_cancelled_submit_has_not_submitted() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, max_queue=1) as pool:
        await pool.submit(1)
        await wait_until_blocked()
        await pool.submit(2)
        with anyio.move_on_after(0) as scope:
            await pool.submit(3)
        gate.open.set()

    assert scope.cancelled_caught
    assert gate.begun == [1, 2]


async def test_submit_nowait_fails_if_the_queue_is_full() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, max_queue=1) as pool:
        pool.submit_nowait(1)
        with pytest.raises(anyio.WouldBlock):
            pool.submit_nowait(2)
        gate.open.set()

    assert gate.begun == [1]


async def test_lower_priority_number_first_and_then_in_order_of_arrival() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, priorities=True) as pool:
        await pool.submit("first")
        await wait_until_blocked()
        for item, priority in [("c", 5), ("b", None), ("a", -1), ("d", 5), ("e", 7.5)]:
            await pool.submit(item, priority=priority)
        last = await pool.submit("never", priority=100)
        last.cancel()
        gate.open.set()

    assert gate.begun == ["first", "a", "b", "c", "d", "e"]


async def test_priority_needs_a_pool_that_has_them() -> None:
    async with WorkerPool(1, double) as pool:
        with pytest.raises(ValueError, match=r"^priority needs a pool made with priorities=True$"):
            await pool.submit(1, priority=1)
        with pytest.raises(ValueError, match=r"^priority needs a pool made with priorities=True$"):
            pool.submit_nowait(1, priority=1)


@pytest.mark.parametrize("priority", ["high", True, 1j, (1, 2)])
async def test_an_item_whose_priority_is_no_number_is_refused_and_not_processed(priority: Any) -> None:
    done: list[str] = []

    async def work(item: str) -> None:
        done.append(item)

    async with WorkerPool(1, work, priorities=True) as pool:
        await pool.submit("a", priority=1.0)
        with pytest.raises(TypeError, match=r"^priority must be a number, not "):
            await pool.submit("b", priority=priority)
        with pytest.raises(TypeError, match=r"^priority must be a number, not "):
            pool.submit_nowait("b", priority=priority)

    assert done == ["a"]


async def test_priority_is_no_nan() -> None:
    async with WorkerPool(1, double, priorities=True) as pool:
        with pytest.raises(ValueError, match=r"^priority must be a number, not NaN$"):
            await pool.submit(1, priority=float("nan"))


async def test_join_waits_until_no_item_is_queued_or_running() -> None:
    gate = Gate()
    joined = False

    async def join() -> None:
        nonlocal joined
        await pool.join()
        joined = True

    async with WorkerPool(2, gate) as pool, anyio.create_task_group() as tg:
        await pool.join()
        for number in range(5):
            await pool.submit(number)
        tg.start_soon(join)
        await wait_until_blocked()
        assert not joined
        gate.open.set()
        await pool.join()
        await wait_until_blocked()
        assert joined


async def test_join_ends_when_the_last_item_is_cancelled() -> None:
    async with WorkerPool(1, Gate()) as pool:
        first, second = await pool.submit(1), await pool.submit(2)
        await wait_until_blocked()
        second.cancel()
        first.cancel()
        with anyio.fail_after(1):
            await pool.join()


async def test_cancelled_item_makes_room() -> None:
    gate = Gate()

    async with WorkerPool(1, gate, max_queue=1) as pool, anyio.create_task_group() as tg:
        await pool.submit(1)
        await wait_until_blocked()
        queued = await pool.submit(2)
        tg.start_soon(pool.submit, 3)
        await wait_until_blocked()
        queued.cancel()
        await wait_until_blocked()
        assert pool.statistics().waiting == 0
        gate.open.set()

    assert gate.begun == [1, 3]


async def test_cancelling_a_running_item_stops_no_other() -> None:
    gate = Gate()

    async with WorkerPool(2, gate) as pool:
        handles = [await pool.submit(number) for number in range(4)]
        await wait_until_blocked()
        handles[0].cancel()
        handles[0].cancel()
        await handles[0].wait()
        gate.open.set()

    assert [h.status for h in handles] == [ItemStatus.CANCELLED, *[ItemStatus.FINISHED] * 3]
    assert pool.unprocessed == []
    assert gate.begun == [0, 1, 2, 3]


async def test_item_that_refuses_to_be_cancelled_is_finished() -> None:
    async def work(item: str) -> str:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.02)
        return item

    async with WorkerPool(1, work) as pool:
        handle = await pool.submit("stubborn")
        await wait_until_blocked()
        handle.cancel()
        assert await handle == "stubborn"
        assert await (await pool.submit("next")) == "next"


async def test_an_item_may_submit_others() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number:
            await pool.submit(number - 1)
        done.append(number)

    async with WorkerPool(1, work) as pool:
        await pool.submit(5)
        await pool.join()

    assert sorted(done) == list(range(6))


async def test_the_last_item_that_would_wait_for_room_as_all_others_do_is_refused() -> None:
    async def work(number: int) -> None:
        for _ in range(number):
            await pool.submit(0)

    async with WorkerPool(1, work, max_queue=1) as pool:
        handle = await pool.submit(2)
        with pytest.raises(RuntimeError, match=r"^worker pool: all workers would wait for room in the queue"):
            await handle


async def test_a_worker_that_was_promised_room_waits_no_longer() -> None:
    done: list[str] = []
    may_go_on = {"first": anyio.Event(), "second": anyio.Event()}

    async def work(item: str) -> None:
        if item in may_go_on:
            await may_go_on[item].wait()
            if item == "second":
                queued.cancel()  # it makes room, which is promised to the first, who has not run since
            await pool.submit(f"of the {item}")
        done.append(item)

    async with WorkerPool(2, work, max_queue=2) as pool:
        pool.submit_nowait("first")
        pool.submit_nowait("second")
        await wait_until_blocked()
        queued = pool.submit_nowait("queued")
        pool.submit_nowait("queued, too")
        for event in may_go_on.values():
            event.set()
            await wait_until_blocked()
        await pool.join()

    assert sorted(done) == ["first", "of the first", "of the second", "queued, too", "second"]


async def test_an_item_cannot_wait_for_itself() -> None:
    handles: list[ItemHandle[int, None]] = []

    async def work(_: int) -> None:
        await checkpoint()
        await handles[0]

    async with WorkerPool(1, work) as pool:
        handles.append(await pool.submit(1))
        with pytest.raises(RuntimeError, match=r"^item 1 waits for itself; it would never be done$"):
            await handles[0]
