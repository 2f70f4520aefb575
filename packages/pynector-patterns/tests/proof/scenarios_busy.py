"""Scenarios in which nobody has enough time: there is progress all the same."""

from contextlib import suppress

import anyio
from scenarios_faults import FIRED, apart

from pynector.concurrency.patterns import ConnectionPool, PoolTimeoutError, RetryPolicy, parallel_requests
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group


class Connection:
    def __init__(self, open_ones: list["Connection"]) -> None:
        self.open_ones = open_ones
        open_ones.append(self)

    async def close(self) -> None:
        self.open_ones.remove(self)


async def try_again(pool: ConnectionPool[Connection]) -> int:
    """Ask a few times more: where callers were cancelled, nobody may have asked for long enough."""
    for _ in range(5):
        with anyio.move_on_after(0.4), suppress(PoolTimeoutError):
            async with pool.acquire():
                return 1
    return 0


async def callers_with_less_time_than_opening_takes_are_served() -> None:
    """By an opening that goes on without the caller who began it: lent to the next, never too many."""
    open_ones, served, opening = list[Connection](), 0, 0

    async def connect() -> Connection:
        nonlocal opening
        opening += 1
        try:
            assert opening + len(open_ones) <= 2, "more connections than are allowed"
            await anyio.sleep(1)
            return Connection(open_ones)
        finally:
            opening -= 1

    async def caller(arrival: float) -> None:
        nonlocal served
        await anyio.sleep(arrival)
        with anyio.move_on_after(0.4) as limit, suppress(PoolTimeoutError):
            async with pool.acquire():
                served += 1
        FIRED["caller has too little time"] += limit.cancelled_caught

    async with ConnectionPool(max_connections=2, connection_factory=connect, close_timeout=1) as pool:
        async with create_task_group() as tg:
            for number in range(8):
                tg.start_soon(apart, caller, 0.3 * number)
            await anyio.sleep(5)
        assert pool.statistics().lent == 0
        served += await try_again(pool)
        assert served, f"nobody was served: {pool.statistics()}"
    assert not open_ones, "a connection outlives its pool"
    assert not opening, "an opening outlives the pool"


async def callers_whose_time_is_the_acquire_timeout_are_served() -> None:
    open_ones, served = list[Connection](), 0

    async def connect() -> Connection:
        await anyio.sleep(1)
        return Connection(open_ones)

    async def caller(arrival: float) -> None:
        nonlocal served
        await anyio.sleep(arrival)
        try:
            async with pool.acquire():
                served += 1
        except PoolTimeoutError:
            FIRED["acquire_timeout below opening"] += 1

    async with ConnectionPool(max_connections=1, connection_factory=connect, acquire_timeout=0.4) as pool:
        async with create_task_group() as tg:
            for number in range(6):
                tg.start_soon(apart, caller, 0.35 * number)
            await anyio.sleep(5)
        served += await try_again(pool)
        assert pool.statistics().lent == 0
    assert served, "nobody was served"
    assert not open_ones


async def callers_with_less_time_than_a_check_takes_are_served() -> None:
    """A check that takes longer than its caller has does not take the connection from everybody."""
    open_ones, served = list[Connection](), 0

    async def connect() -> Connection:
        return Connection(open_ones)

    async def check(connection: Connection) -> bool:
        await anyio.sleep(1)
        return True

    async def caller(arrival: float) -> None:
        nonlocal served
        await anyio.sleep(arrival)
        with anyio.move_on_after(0.4) as limit:
            async with pool.acquire():
                served += 1
        FIRED["caller has less time than a check"] += limit.cancelled_caught

    async with ConnectionPool(max_connections=1, connection_factory=connect, check=check) as pool:
        async with create_task_group() as tg:
            for number in range(6):
                tg.start_soon(apart, caller, 0.5 * number)
        served += await try_again(pool)
        assert pool.statistics().lent == 0
    assert served, "nobody was served"
    assert not open_ones


async def timers_fire_late() -> None:
    """On a busy machine: what is asked for a time may take longer, and nothing else changes."""
    event, outcomes = Event(), list[str]()

    async def sleeper() -> None:
        due = anyio.current_time() + 0.8
        await anyio.sleep(0.8)
        FIRED["a timer is late"] += anyio.current_time() > due

    async def waiter() -> None:
        with anyio.move_on_after(1) as limit:
            await event.wait()
        outcomes.append("too late" if limit.cancelled_caught else "in time")
        assert limit.cancelled_caught or event.is_set()

    async def caller() -> None:
        began = anyio.current_time()
        try:
            async with pool.acquire():
                await anyio.sleep(1)
        except PoolTimeoutError:
            assert anyio.current_time() >= began + 1, "out of time too early"
        outcomes.append("called")

    async def connect() -> Connection:
        return Connection([])

    async def work(item: int) -> int:
        await anyio.sleep(1)
        return item

    policy = RetryPolicy(attempts=2, timeout=1, backoff=0.5, jitter=0, before_sleep=None)
    async with ConnectionPool(max_connections=1, connection_factory=connect, acquire_timeout=1) as pool:
        async with create_task_group() as tg:
            for start in sleeper, waiter, caller, caller:
                tg.start_soon(apart, start)
            await anyio.sleep(1)
            event.set()
            with suppress(TimeoutError):
                await policy(anyio.sleep, 1)
            with suppress(anyio.BrokenResourceError):  # a worker of it was cancelled
                assert await parallel_requests([1, 2, 3], work, max_concurrency=2) == [1, 2, 3]
        assert pool.statistics().lent == 0
        async with pool.acquire():
            pass


SCENARIOS = (
    timers_fire_late,
    callers_with_less_time_than_opening_takes_are_served,
    callers_whose_time_is_the_acquire_timeout_are_served,
    callers_with_less_time_than_a_check_takes_are_served,
)
