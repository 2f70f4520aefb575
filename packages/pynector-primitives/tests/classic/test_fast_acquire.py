"""By default each acquire is a checkpoint; with `fast_acquire` only one in 64 is."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter, Condition, Lock, Semaphore

pytestmark = pytest.mark.anyio

Make = Callable[[bool], Any]

MAKES: dict[str, Make] = {
    "Lock": lambda fast: Lock(fast_acquire=fast),
    "Semaphore": lambda fast: Semaphore(1, fast_acquire=fast),
    "CapacityLimiter": lambda fast: CapacityLimiter(1, fast_acquire=fast),
    "Condition": lambda fast: Condition(Lock(fast_acquire=fast)),
}
all_of_them = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
both_ways = pytest.mark.parametrize("way", ["async with", "acquire"])


async def hold_once(thing: Any, way: str) -> None:
    if way == "async with":
        async with thing:
            pass
    else:
        await thing.acquire()
        thing.release()


class Other:
    """Another task, that counts how often it was let run."""

    def __init__(self) -> None:
        self.steps = 0

    async def run(self) -> None:
        while True:
            self.steps += 1
            await anyio.lowlevel.checkpoint()


@all_of_them
@both_ways
async def test_each_acquire_lets_others_run(make: Make, way: str) -> None:
    other, thing = Other(), make(False)
    async with anyio.create_task_group() as tg:
        tg.start_soon(other.run)
        for _ in range(5):
            await hold_once(thing, way)
        assert other.steps >= 4  # trio runs what is ready in random order
        tg.cancel_scope.cancel()


@all_of_them
@both_ways
async def test_each_acquire_can_be_cancelled_and_takes_nothing_then(make: Make, way: str) -> None:
    thing = make(False)
    for _ in range(3):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hold_once(thing, way)
        assert scope.cancelled_caught
    await hold_once(thing, way)


@all_of_them
@both_ways
async def test_a_fast_one_lets_others_run_once_in_64_operations(make: Make, way: str) -> None:
    other, thing = Other(), make(True)
    async with anyio.create_task_group() as tg:
        tg.start_soon(other.run)
        for _ in range(640):
            await hold_once(thing, way)
        assert 9 <= other.steps <= 11
        tg.cancel_scope.cancel()


@all_of_them
@both_ways
async def test_a_fast_one_cannot_keep_a_cancellation_away(make: Make, way: str) -> None:
    thing, done = make(True), 0
    with anyio.CancelScope() as scope:
        scope.cancel()
        while True:
            await hold_once(thing, way)
            done += 1
    assert done < 64
    await hold_once(thing, way)


async def test_different_objects_share_the_budget() -> None:
    other, things = Other(), [make(True) for make in MAKES.values()]
    async with anyio.create_task_group() as tg:
        tg.start_soon(other.run)
        for number in range(640):
            await hold_once(things[number % len(things)], "async with")
        assert 9 <= other.steps <= 11
        tg.cancel_scope.cancel()
