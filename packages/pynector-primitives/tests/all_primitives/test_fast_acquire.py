"""By default each acquire is a checkpoint; with `fast_acquire` only one in 64 is."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter, Condition, Lock, Semaphore
from pynector.concurrency.task.lowlevel import start_budget

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


async def check_that_all_come_through(call: Callable[[], Awaitable[None]]) -> None:
    """Of 64 tasks that call in turn, the 64th call is always that of the same."""
    calls = [0] * 64

    async def use(number: int) -> None:
        while min(calls) < 5 and max(calls) < 500:
            await call()
            calls[number] += 1
            await anyio.lowlevel.checkpoint()

    start_budget(64)
    async with anyio.create_task_group() as tg:
        for number in range(64):
            tg.start_soon(use, number)

    assert min(calls) >= 5


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


@all_of_them
@both_ways
async def test_nobody_finds_a_fast_one_taken_because_another_let_others_run(make: Make, way: str) -> None:
    """Or they would wait, and each turn from then on would be a hand-over, at ten times the cost."""
    thing, was_free = make(True), True

    async def use() -> None:
        nonlocal was_free
        for _ in range(320):
            await hold_once(thing, way)
            was_free = was_free and not thing.statistics().tasks_waiting

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(use)

    assert was_free


@all_of_them
@both_ways
async def test_a_task_whose_turn_it_is_each_time_takes_it_all_the_same(make: Make, way: str) -> None:
    thing = make(True)
    await check_that_all_come_through(lambda: hold_once(thing, way))
