"""The two tests of the pool in the specification, in our words."""

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool
from pynector.concurrency.task import create_task_group


class Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False

    async def close(self) -> None:
        self.closed = True


@pytest.mark.asyncio
async def test_connection_pool_basic() -> None:
    opened: list[Connection] = []

    async def connect() -> Connection:
        opened.append(Connection(len(opened) + 1))
        return opened[-1]

    pool = ConnectionPool(max_connections=2, connection_factory=connect)
    first = await pool.acquire()
    second = await pool.acquire()
    assert [first.number, second.number, len(opened)] == [1, 2, 2]

    await pool.release(first)
    third = await pool.acquire()
    assert third is first
    assert len(opened) == 2

    async with pool:
        pass
    assert second.closed
    assert third.closed


@pytest.mark.asyncio
async def test_connection_pool_contention() -> None:
    opened: list[Connection] = []
    events: list[tuple[str, int, int]] = []

    async def connect() -> Connection:
        connection = Connection(len(opened) + 1)
        opened.append(connection)
        await anyio.sleep(0.005)
        return connection

    pool = ConnectionPool(max_connections=2, connection_factory=connect)

    async def work(worker: int) -> None:
        connection = await pool.acquire()
        events.append(("acquired", worker, connection.number))
        await anyio.sleep(0.01)
        await pool.release(connection)
        events.append(("released", worker, connection.number))

    async with pool, create_task_group() as tg:
        for worker in range(5):
            await tg.start_soon(work, worker)

    assert len(opened) == 2
    assert len(events) == 10
    used = [number for event, _, number in events if event == "acquired"]
    assert len(used) == 5
    assert max(used) == 2
