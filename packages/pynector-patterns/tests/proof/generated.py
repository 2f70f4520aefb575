"""Scenarios made of drawn operations, and a small model of what may hold."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import anyio
from anyio import BrokenResourceError, ClosedResourceError, WouldBlock
from scenarios_faults import Connection, apart

from pynector.concurrency.patterns import ConnectionPool, WorkerPool
from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Queue, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint

HELD = {"lock": 1, "semaphore": 2, "limiter": 3, "pool": 3}  # the most that may be inside
OPERATIONS = (*HELD, "probe", "resize", "wait", "notify", "set", "see", "put", "get", "submit", "cancelled")
PATIENCE = 60.0


async def connect() -> Connection:
    await checkpoint()
    return Connection()


class World:
    """One object of each class, and what the model knows of them."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.notified = self.woken = 0
        self.put: list[int] = []
        self.got: list[int] = []
        self.submitted: list[int] = []
        self.done: list[int] = []
        self.condition, self.event, self.queue = Condition(), Event(), Queue[int](1)
        self.pool = ConnectionPool(max_connections=2, connection_factory=connect, acquire_timeout=None)
        self.workers = WorkerPool(num_workers=2, worker_func=self._work, max_queue=1)
        self.places: dict[str, Any] = {
            "lock": Lock(),
            "semaphore": Semaphore(2, max_value=2),
            "limiter": CapacityLimiter(2),
        }

    async def do(self, operations: Sequence[str], number: int) -> None:
        for turn, operation in enumerate(operations):
            with anyio.move_on_after(PATIENCE):
                if operation in HELD:
                    await self._hold(operation)
                else:
                    await getattr(self, f"_{operation}")(number * 10 + turn)

    async def _hold(self, name: str) -> None:
        async with self.pool.acquire() if name == "pool" else self.places[name]:
            self.inside[name] += 1
            assert self.inside[name] <= HELD[name], f"{self.inside[name]} inside the {name}"
            try:
                await anyio.sleep(1)
            finally:
                self.inside[name] -= 1

    async def _probe(self, _: int) -> None:
        places = self.places["semaphore"]
        waiting = places.statistics().tasks_waiting
        with suppress(WouldBlock):
            places.acquire_nowait()
            places.release()
            assert not waiting, "one who waits was overtaken"

    async def _resize(self, number: int) -> None:
        limiter, size = self.places["limiter"], 1 + number % 3
        before = limiter.borrowed_tokens
        limiter.total_tokens = size
        assert limiter.borrowed_tokens <= max(before, size), "more are lent than there are"
        await self.pool.resize(size)

    async def _wait(self, _: int) -> None:
        async with self.condition:
            await self.condition.wait()
            self.woken += 1
            assert self.woken <= self.notified, "woken by nobody"

    async def _notify(self, _: int) -> None:
        async with self.condition:
            self.notified += self.condition.statistics().tasks_waiting > 0
            self.condition.notify()

    async def _set(self, _: int) -> None:
        self.event.set()

    async def _see(self, _: int) -> None:
        with anyio.move_on_after(1) as scope:
            await self.event.wait()
        assert scope.cancelled_caught or self.event.is_set(), "woken, though not set"

    async def _put(self, number: int) -> None:
        await self.queue.put(number)
        self.put.append(number)

    async def _get(self, _: int) -> None:
        self.got.append(await self.queue.get())

    async def _submit(self, number: int) -> None:
        with suppress(ClosedResourceError):  # the pool ended before, since a worker was cancelled
            await self.workers.submit(number)
            self.submitted.append(number)

    async def _cancelled(self, _: int) -> None:
        with anyio.move_on_after(0.5):
            await self._hold("semaphore")

    async def _work(self, number: int) -> None:
        await anyio.sleep(1)
        assert number not in self.done, "done twice"
        self.done.append(number)

    async def check(self) -> None:
        """Nothing is held, nobody waits, and all can be had."""
        limiter, places = self.places["limiter"], self.places["semaphore"]
        assert not self.places["lock"].locked()
        assert (places.value, limiter.borrowed_tokens) == (2, 0)
        assert not self.condition.locked()
        assert sorted(self.got + self.queue.shutdown()) == sorted(self.put), "an item is lost or doubled"
        await self.pool.resize(2)
        for connection in [await self.pool.acquire(), await self.pool.acquire()]:
            await self.pool.release(connection)


def scenario_of(tasks: Sequence[Sequence[str]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """A scenario with a task for each of *tasks*, that does these operations one after the other."""

    async def scenario() -> None:
        world = World()
        with suppress(BrokenResourceError):  # a worker itself was cancelled: the pool says so
            async with world.pool:
                async with world.workers:
                    async with create_task_group() as tg:
                        for number, operations in enumerate(tasks):
                            tg.start_soon(apart, world.do, operations, number)
                    await world.check()
                assert sorted(world.done + world.workers.unprocessed) == sorted(world.submitted)

    return scenario
