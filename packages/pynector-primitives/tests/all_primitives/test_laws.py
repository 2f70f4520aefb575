"""What holds after any sequence of operations: conservation, bounds, and the order of arrival."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Semaphore

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
actors = st.integers(0, 5)
operations = st.lists(
    st.tuples(st.sampled_from(["come", "come", "go", "cancel"]), actors)
    | st.tuples(st.just("resize"), st.integers(0, 3)),
    max_size=25,
)


class Actor:
    """A task that acquires, holds until it is told to go, and releases."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self.scope = anyio.CancelScope()
        self.go = Event()
        self.state = "new"

    async def run(self) -> None:
        with self.scope:
            self.state = "waits"
            try:
                async with self.thing:
                    self.state = "holds"
                    await self.go.wait()
            finally:
                self.state = "gone"


class Model:
    """So many places, and a queue."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.holding = set[int]()
        self.queue = deque[int]()

    def serve(self) -> None:
        while self.queue and len(self.holding) < self.places:
            self.holding.add(self.queue.popleft())

    def apply(self, operation: str, number: int) -> None:
        if operation == "resize":
            self.places = number
        elif operation == "come":
            self.queue.append(number)
        elif number in self.holding:  # goes, or is cancelled
            self.holding.remove(number)
        elif operation == "cancel":
            self.queue.remove(number)
        self.serve()


async def settle() -> None:
    for _ in range(6):
        await anyio.lowlevel.checkpoint()


async def compare(make: Callable[[], Any], places: int, script: list[tuple[str, int]]) -> None:
    thing, model, living = make(), Model(places), dict[int, Actor]()
    async with anyio.create_task_group() as tg:
        for operation, number in script:
            actor = living.get(number)
            if operation == "resize":
                if not isinstance(thing, CapacityLimiter):
                    continue
                thing.total_tokens = number
            elif (operation == "come") == (actor is not None):
                continue
            elif actor is None:
                actor = living[number] = Actor(thing)
                tg.start_soon(actor.run)
            elif operation == "go" and number not in model.holding:
                continue
            else:
                living.pop(number)
                actor.go.set() if operation == "go" else actor.scope.cancel()
            model.apply(operation, number)
            await settle()
            assert {number for number, actor in living.items() if actor.state == "holds"} == model.holding
            assert thing.statistics().tasks_waiting == len(model.queue)
        for actor in living.values():
            actor.scope.cancel()
    assert thing.statistics().tasks_waiting == 0
    if isinstance(thing, CapacityLimiter):
        assert thing.borrowed_tokens == 0
    elif isinstance(thing, Semaphore):
        assert thing.value == places
    else:
        assert not thing.locked()


THINGS: dict[str, tuple[Callable[..., Any], int]] = {
    "Lock": (Lock, 1),
    "Semaphore": (partial(Semaphore, 2, max_value=2), 2),
    "CapacityLimiter": (partial(CapacityLimiter, 2), 2),
}


@backends
@pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])
@pytest.mark.parametrize("name", THINGS)
def test_it_does_what_its_model_does(name: str, fast: bool, backend: str) -> None:
    make, places = THINGS[name]

    @settings(max_examples=60, deadline=None)
    @given(operations)
    def check(script: list[tuple[str, int]]) -> None:
        anyio.run(compare, partial(make, fast_acquire=fast), places, script, backend=backend)

    check()


async def notify(script: list[int]) -> None:
    """Each number is a waiter that comes (0), or so many notifications."""
    condition, waiting, back = Condition(), deque[int](), list[int]()
    expected = list[int]()

    async def wait(number: int) -> None:
        async with condition:
            await condition.wait()
            back.append(number)

    async with anyio.create_task_group() as tg:
        for number, n in enumerate(script):
            if n:
                async with condition:
                    condition.notify(n)
                for _ in range(min(n, len(waiting))):
                    expected.append(waiting.popleft())
            else:
                tg.start_soon(wait, number)
                waiting.append(number)
            await settle()
            await settle()
            assert sorted(back) == expected
        tg.cancel_scope.cancel()


@backends
def test_notifications_wake_as_many_as_were_told_in_order(backend: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, 3), max_size=20))
    def check(script: list[int]) -> None:
        anyio.run(notify, script, backend=backend)

    check()
