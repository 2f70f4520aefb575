"""parked_tasks() tells who waits for what, since when, and held by whom."""

import math

import anyio
import anyio.to_thread
import pytest

from pynector.concurrency.task.lowlevel import (
    ParkedTask,
    ParkingLot,
    checkpoint,
    current_task,
    parked_tasks,
)
from pynector.concurrency.testing import run_in_virtual_time, wait_until_blocked

pytestmark = pytest.mark.anyio


def nothing(_: object) -> None:
    pass


async def test_where_nobody_waits_there_is_no_record() -> None:
    assert parked_tasks() == []


async def test_all_lots_of_the_loop_are_seen_the_longest_wait_first() -> None:
    gate: ParkingLot[None] = ParkingLot("Gate")
    door: ParkingLot[None] = ParkingLot("Door")

    async with anyio.create_task_group() as tg:
        for lot, name in ((gate, "one"), (door, "two"), (gate, "three")):
            tg.start_soon(lot.park, nothing, name=name)
            await anyio.sleep(0.001)
        seen = [(parked.name, parked.waits_for) for parked in parked_tasks()]
        tg.cancel_scope.cancel()

    assert seen == [("one", "Gate"), ("two", "Door"), ("three", "Gate")]
    assert parked_tasks() == []


async def test_since_is_on_the_event_loop_s_clock() -> None:
    gate: ParkingLot[None] = ParkingLot("Gate")
    before = anyio.current_time()

    async with anyio.create_task_group() as tg:
        tg.start_soon(gate.park, nothing)
        await wait_until_blocked()
        (parked,) = gate.parked()
        assert gate.oldest() == parked.since
        tg.cancel_scope.cancel()

    await checkpoint()
    assert before <= parked.since <= anyio.current_time() + 0.002  # uvloop rounds down, once in a turn
    assert gate.oldest() == math.inf


def test_since_is_virtual_where_time_is() -> None:
    async def scenario() -> None:
        gate: ParkingLot[None] = ParkingLot("Gate")
        async with anyio.create_task_group() as tg:
            await anyio.sleep(3600)
            now = anyio.current_time()
            tg.start_soon(gate.park, nothing)
            await anyio.sleep(3600)
            assert gate.oldest() == now
            gate.unpark(None)

    for backend in ("asyncio", "trio"):
        run_in_virtual_time(scenario, backend=backend)


async def test_held_by_names_tasks_and_shows_anything_else() -> None:
    here = current_task()
    gate: ParkingLot[None] = ParkingLot("Gate", holders=lambda: [here, "borrower", 7])

    async with anyio.create_task_group() as tg:
        tg.start_soon(gate.park, nothing)
        await wait_until_blocked()
        (parked,) = parked_tasks()
        tg.cancel_scope.cancel()

    assert parked.held_by == (anyio.get_current_task().name, "'borrower'", "7")


async def test_a_lot_that_is_gone_is_forgotten() -> None:
    gate: ParkingLot[None] | None = ParkingLot("Gate")
    async with anyio.create_task_group() as tg:
        tg.start_soon(gate.park, nothing)
        await wait_until_blocked()
        tg.cancel_scope.cancel()
    gate = None

    assert parked_tasks() == []


async def test_each_event_loop_sees_its_own(anyio_backend_name: str) -> None:
    gate: ParkingLot[None] = ParkingLot("Gate")

    async def look() -> list[ParkedTask]:
        return parked_tasks()

    async with anyio.create_task_group() as tg:
        tg.start_soon(gate.park, nothing)
        await wait_until_blocked()
        elsewhere = await anyio.to_thread.run_sync(lambda: anyio.run(look, backend=anyio_backend_name))
        assert len(parked_tasks()) == 1
        tg.cancel_scope.cancel()

    assert elsewhere == []


def test_a_record_reads_as_a_sentence() -> None:
    free = ParkedTask("worker", "Gate", 1.5, ())
    held = ParkedTask("worker", "Lock", 1.5, ("boss", "aide"))

    assert str(free) == "'worker' waits for Gate since 1.500"
    assert str(held) == "'worker' waits for Lock since 1.500, held by 'boss', 'aide'"
