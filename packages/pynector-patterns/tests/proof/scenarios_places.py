"""Scenarios of places that come free while tasks wait: nobody waits beside a free one."""

import anyio
from scenarios_faults import apart, connect

from pynector.concurrency.patterns import ConnectionPool
from pynector.concurrency.task import create_task_group


async def places_that_come_free_are_all_used() -> None:
    """Two who break their connections need each other, then three users do; there are places for all."""
    both_hold, all_here = anyio.Event(), anyio.Event()
    holding = here = begun = missed = 0

    async def user(arrival: float) -> None:
        nonlocal here, begun, missed
        begun += 1
        try:
            await anyio.sleep(arrival)
            async with pool.acquire():
                here += 1
                if here == 3:
                    all_here.set()
                await all_here.wait()
        except BaseException:
            missed += not late.cancel_called
            raise

    async def break_one(arrival: float) -> None:
        nonlocal holding, begun, missed
        begun += 1
        try:
            await anyio.sleep(arrival)
            async with pool.acquire() as connection:
                holding += 1
                if holding == 2:
                    both_hold.set()
                await both_hold.wait()
                await anyio.sleep(0.75)  # until the users come
                await pool.discard(connection)
        except BaseException:
            missed += not late.cancel_called
            raise

    async with ConnectionPool(max_connections=2, connection_factory=connect, acquire_timeout=60) as pool:
        with anyio.move_on_after(30) as late:
            async with create_task_group() as tg:
                for arrival in (0.5, 1, 1):
                    tg.start_soon(apart, user, arrival)
                for arrival in (0, 0.25):
                    tg.start_soon(apart, break_one, arrival)
                await anyio.sleep(0.4)
                assert holding == 2 or missed or begun < 5, f"one waits beside a place: {pool.statistics()}"
                await anyio.sleep(0.6)
                await pool.resize(3)
        assert here == 3 or missed or begun < 5, f"{3 - here} waited for ever: {pool.statistics()}"
        assert not pool.statistics().lent


SCENARIOS = (places_that_come_free_are_all_used,)
