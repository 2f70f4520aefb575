"""What is handed over is never lost nor doubled, whatever the order and wherever a task is cancelled."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.task.lowlevel import ParkingLot
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

Scenario = Callable[[], Coroutine[Any, Any, None]]
backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
FAULTS = {"asyncio": ("scope", "native", "twice", "both"), "trio": ("scope",)}


async def apart(func: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func, *args)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


class Coins:
    """A few coins that are taken and put back, and a lot for those that find none."""

    def __init__(self, number: int) -> None:
        self.lot: ParkingLot[str] = ParkingLot("Coins")
        self.free = [f"coin {index}" for index in range(number)]
        self.taken: list[str] = []
        self.number = number

    async def take(self) -> str:
        if self.free:  # so nobody waits: who puts a coin hands it over
            self.taken.append(self.free[-1])
            return self.free.pop()
        return await self.lot.park(self.put)

    def put(self, coin: str) -> None:
        if self.lot.unpark(coin) is None:
            self.free.append(coin)
            self.taken.remove(coin)

    def is_whole(self) -> bool:
        return len({*self.free, *self.taken}) == len(self.free) + len(self.taken) == self.number

    async def use(self) -> None:
        for _ in range(2):
            coin = await self.take()
            try:
                await anyio.lowlevel.checkpoint()
            finally:
                self.put(coin)


async def coins_that_are_shared() -> None:
    """At each step all coins are there, and in the end all are free."""
    coins = Coins(2)
    invariant(coins.is_whole)

    async with anyio.create_task_group() as tg:
        for _ in range(5):
            tg.start_soon(apart, coins.use)

    assert len(coins.free) == 2
    assert len(coins.lot) == 0


async def tasks_that_are_all_woken() -> None:
    """Whoever waits when all are woken goes on or is cancelled; nobody stays."""
    lot: ParkingLot[None] = ParkingLot("test")
    gone: list[int] = []

    async def wait(number: int) -> None:
        await lot.park(lambda _: None)
        gone.append(number)

    async def wake() -> None:
        await anyio.sleep(1)
        lot.unpark_all(None)

    async with anyio.create_task_group() as tg:
        for number in range(4):
            tg.start_soon(apart, wait, number)
        tg.start_soon(wake)
        await anyio.sleep(2)
        lot.unpark_all(None)  # in case it was the waker that was cancelled
    assert len(lot) == 0


async def tasks_that_all_fail() -> None:
    """The same, with an error."""
    lot: ParkingLot[None] = ParkingLot("test")

    async def wait() -> None:
        with pytest.raises(OSError, match="closed"):
            await lot.park(lambda _: None)

    async with anyio.create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(apart, wait)
        await anyio.sleep(1)
        lot.fail_all(lambda: OSError("closed"))
    assert len(lot) == 0


SCENARIOS = [coins_that_are_shared, tasks_that_are_all_woken, tasks_that_all_fail]


@backends
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_holds_in_each_order(scenario: Scenario, backend: str) -> None:
    explore(scenario, schedules=100, backend=backend).check()


@backends
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_holds_wherever_a_task_is_cancelled(scenario: Scenario, backend: str) -> None:
    cancel_everywhere(scenario, victims=is_victim, backend=backend, faults=FAULTS[backend], orders=2).check()
