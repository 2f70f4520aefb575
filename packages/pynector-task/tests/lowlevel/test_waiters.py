"""What a hot path does instead of `park`: it waits for its waiter itself."""

import asyncio
from typing import Any

import anyio
import pytest

from pynector.concurrency.task.lowlevel import ParkingLot, asyncio_task, current_task, task_getter, watch_exit
from pynector.concurrency.testing import wait_until_blocked

on_every_backend = pytest.mark.anyio


class Gate:
    """Lets one task through for each value, without the coroutine of `park`."""

    def __init__(self) -> None:
        self.lot: ParkingLot[str] = ParkingLot("Gate")
        self.returned = list[str]()

    async def pass_through(self) -> Any:
        waiter = self.lot.enqueue()
        try:
            return await waiter
        except BaseException:
            self.lot.abort(waiter, self.returned.append)
            raise


@on_every_backend
async def test_a_ticket_gives_what_was_handed_over() -> None:
    gate, got = Gate(), list[str]()

    async def use() -> None:
        got.append(await gate.pass_through())

    async with anyio.create_task_group() as tg:
        tg.start_soon(use)
        await wait_until_blocked()
        assert gate.lot.wake_first("red") is not None
    assert got == ["red"]
    assert gate.lot.wake_first("green") is None


@on_every_backend
async def test_a_ticket_raises_the_error_that_came_instead() -> None:
    gate = Gate()

    async def use() -> None:
        with pytest.raises(OSError, match="closed"):
            await gate.pass_through()

    async with anyio.create_task_group() as tg:
        tg.start_soon(use)
        await wait_until_blocked()
        gate.lot.fail_all(lambda: OSError("closed"))
    assert gate.returned == []


@on_every_backend
async def test_who_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    gate = Gate()
    async with anyio.create_task_group() as tg:
        tg.start_soon(gate.pass_through)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert len(gate.lot) == 0
    assert gate.returned == []


@on_every_backend
@pytest.mark.on("asyncio")
async def test_a_grant_that_met_a_native_cancellation_is_given_back() -> None:
    gate = Gate()
    task = asyncio.ensure_future(gate.pass_through())
    while not len(gate.lot):  # noqa: ASYNC110
        await asyncio.sleep(0)

    gate.lot.unpark("red")
    task.cancel()
    await asyncio.wait([task])
    assert gate.returned == ["red"]


@on_every_backend
async def test_many_cancelled_among_few_that_wait_leave_nothing_behind() -> None:
    lot: ParkingLot[None] = ParkingLot("Gate")
    async with anyio.create_task_group() as tg:
        tg.start_soon(lot.park, print)
        await wait_until_blocked()
        for _ in range(100):
            with anyio.move_on_after(0):
                await lot.park(print)
            assert len(lot) == 1
            assert len(lot.queue) <= 2
        lot.unpark(None)


@on_every_backend
async def test_asyncio_task_knows_the_tasks_of_asyncio_only() -> None:
    try:
        task = asyncio_task()
    except RuntimeError:
        task = None
    assert (task or task_getter()()) is current_task()


def test_where_no_task_runs_there_is_nobody_to_ask() -> None:
    with pytest.raises(anyio.NoEventLoopError, match="no task is running here"):
        task_getter()


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_a_task_of_another_event_loop_is_not_watched(first: str, second: str) -> None:
    async def watch(task: object) -> None:
        with pytest.raises(RuntimeError) as refusal:
            watch_exit(task, print)
        refusals.append(str(refusal.value))

    async def elsewhere() -> None:
        task = current_task()
        await anyio.to_thread.run_sync(lambda: anyio.run(watch, task, backend=second))

    refusals = list[str]()
    anyio.run(elsewhere, backend=first)
    assert len(refusals) == 1
    assert refusals[0].endswith("belongs to another event loop or thread than this one")
