"""When the connections of a pool are looked at."""

# pyright: reportPrivateUsage=false

import math
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolLimits, PoolWatch
from pynector.concurrency.patterns._pool.maintenance import FEW, CheckSchedule
from pynector.concurrency.patterns._pool.state import PoolEntry
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group

pytestmark = pytest.mark.anyio


class Ages:
    """Looks at each connection when so many seconds have gone as it is itself."""

    def next_look(self, slot: PoolEntry[Any], now: float) -> float:
        return now + slot.connection


async def close() -> None: ...


def slot(seconds: float) -> PoolEntry[Any]:
    return PoolEntry(seconds, close)


async def test_those_that_are_due_are_taken_out_in_order_of_time() -> None:
    agenda: CheckSchedule[Ages] = CheckSchedule()
    agenda.is_running = True
    first, second, third = slot(1), slot(2), slot(3)
    for each in (third, first, second):
        agenda.put(Ages(), each, 10)

    assert agenda.next_look() == 11
    assert [each for _, each in agenda.take_due(12)] == [first, second]
    assert agenda.take_due(12.5) == []
    assert [each for _, each in agenda.take_due(13)] == [third]
    assert agenda.next_look() == math.inf


async def test_the_bell_rings_for_one_that_is_due_before_the_others() -> None:
    agenda: CheckSchedule[Ages] = CheckSchedule()
    agenda.is_running = True
    rings = list[bool]()
    for seconds in (5, 6, 4, math.inf):
        agenda.wakeup = Event()
        agenda.add(Ages(), slot(seconds))
        rings.append(agenda.wakeup.is_set())

    assert rings == [True, False, True, False]


async def test_nothing_is_noted_that_nobody_looks_at() -> None:
    agenda: CheckSchedule[Ages] = CheckSchedule()
    agenda.add(Ages(), slot(1))
    assert agenda.next_look() == math.inf


async def test_closed_connections_are_forgotten_long_before_their_time() -> None:
    agenda: CheckSchedule[Ages] = CheckSchedule()
    agenda.is_running = True
    open_ones = [slot(100) for _ in range(10)]
    for each in open_ones:
        agenda.add(Ages(), each)
    for _ in range(1000):
        agenda.add(Ages(), closed := slot(50))
        closed.closed = True
        assert len(agenda._entries) <= 2 * FEW

    assert [each for _, each in agenda.take_due(1e9)] == open_ones


def test_what_min_size_needs_no_longer_is_closed_at_once(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        pool: ConnectionPool[Any] = world.pool(2, limits=PoolLimits(min_size=1, max_idle=10))
        async with pool, create_task_group() as tg:
            await pool.wait_ready()
            first = await pool.acquire()
            world.takes = 15.0
            tg.start_soon(pool.acquire)  # opens another, for so long
            await anyio.sleep(1)
            await pool.release(first)
            await anyio.sleep(13)
            assert world.open == [1], "it was idle for too long, but min_size needs it"
            await anyio.sleep(1.1)
            assert world.open == [2]

    in_virtual_time(scenario)


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_each_connection_is_closed_when_it_was_idle_for_its_time(
    world: Any, in_virtual_time: Any, order: str
) -> None:
    async def scenario() -> None:
        world.reset()
        pool: ConnectionPool[Any] = world.pool(5, limits=PoolLimits(max_idle=10), order=order)
        async with pool:
            lent = [await pool.acquire() for _ in range(5)]
            for connection in lent:
                await pool.release(connection)
                await anyio.sleep(1)
            for left in (5, 5, 5, 5, 5, 4, 3, 2, 1, 0):
                await anyio.sleep(0.5)
                assert len(world.open) == left
                await anyio.sleep(0.5)

    in_virtual_time(scenario)


def test_a_leak_is_told_when_it_is_one_however_long_connections_may_be_idle(
    world: Any, in_virtual_time: Any
) -> None:
    async def scenario() -> None:
        world.reset()
        events = list[tuple[str, float]]()
        watch = PoolWatch(leak_after=3, on_event=lambda event: events.append((event.kind, event.seconds)))
        pool: ConnectionPool[Any] = world.pool(2, limits=PoolLimits(max_idle=60), watch=watch)
        async with pool:
            async with pool.acquire():
                await anyio.sleep(2)
            await anyio.sleep(20)
            async with pool.acquire():
                await anyio.sleep(2.9)
                assert "leaked" not in dict(events)
                await anyio.sleep(0.2)
                assert dict(events)["leaked"] == pytest.approx(3, abs=0.1)

    in_virtual_time(scenario)
