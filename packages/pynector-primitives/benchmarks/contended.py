"""What it costs to wait, and to be woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import trio
from bare import Held, Nothing, limits, turn, waits
from harness import ASYNCIO, TRIO, Row, Table, Work

from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Semaphore

TURNS = 1000


async def spawn(funcs: list[Callable[[], Awaitable[object]]]) -> None:
    """Run all in the native group of the event loop that runs here, which costs least."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        async with trio.open_nursery() as nursery:
            for func in funcs:
                nursery.start_soon(func)
    else:
        async with asyncio.TaskGroup() as group:
            for func in funcs:
                group.create_task(func())  # type: ignore[arg-type]


def turns(tasks: int) -> int:
    """How often it changes hands: a few times for each task."""
    return max(TURNS, 4 * tasks)


def hand_over(make: Callable[[], Any], tasks: int) -> Callable[[], Work]:
    """So many tasks, each of which holds it for one turn of the loop, again and again."""

    def prepare() -> Work:
        thing, passing = make(), turn()

        async def use() -> None:
            for _ in range(turns(tasks) // tasks):
                async with thing:
                    await passing()

        return lambda: spawn([use] * tasks)

    return prepare


def pass_through(make: Callable[[], Any], tasks: int) -> Callable[[], Work]:
    """So many tasks, none of which waits while it holds it."""

    def prepare() -> Work:
        thing = make()

        async def use() -> None:
            for _ in range(10 * TURNS // tasks):
                async with thing:
                    pass

        return lambda: spawn([use] * tasks)

    return prepare


def ping_pong(make: Callable[[], Any], *, hold: bool) -> Callable[[], Work]:
    """Two tasks that wake each other; they keep the lock in between, or acquire it for each turn."""

    def prepare() -> Work:
        condition, whose = make(), 0

        async def one_turn(me: int) -> None:
            nonlocal whose
            while whose != me:
                await condition.wait()
            whose = 1 - me
            condition.notify()

        async def play(me: int) -> None:
            if hold:
                async with condition:
                    for _ in range(TURNS // 2):
                        await one_turn(me)
            else:
                for _ in range(TURNS // 2):
                    async with condition:
                        await one_turn(me)

        return lambda: spawn([partial(play, 0), partial(play, 1)])

    return prepare


def call_all(make: Callable[[], Any]) -> Callable[[], Work]:
    """100 tasks that wait for a notification again and again, and one that notifies them all together."""

    def prepare() -> Work:
        condition, passing, done = make(), turn(), False

        async def wait() -> None:
            async with condition:
                while not done:
                    await condition.wait()

        async def call() -> None:
            nonlocal done
            await passing()
            for _ in range(TURNS // 100):
                async with condition:
                    condition.notify_all()
                await passing()
            async with condition:
                done = True
                condition.notify_all()

        return lambda: spawn([wait] * 100 + [call])

    return prepare


def wake(make: Callable[[], Any]) -> Callable[[], Work]:
    """Start 1,000 tasks that wait for an event, and set it."""

    def prepare() -> Work:
        event, passing = make(), turn()

        async def set_it() -> None:
            await passing()
            event.set()

        return lambda: spawn([event.wait] * 1000 + [set_it])

    return prepare


def hand_over_table(name: str, tasks: int, ours: Callable[[], Any], *peers: Row) -> Table:
    """The hand-over of one primitive; bars as decided, for all peers but trio's."""
    bars = {peer.name: 0.97 if peer.name.startswith("asyncio") else 1.0 for peer in peers}
    return Table(
        f"{name}, contended: hand-over among {tasks} tasks",
        turns(tasks),
        [
            Row(f"pynector {name}", hand_over(ours, tasks)),
            *peers,
            *limits(partial(hand_over, tasks=tasks), Held),
        ],
        bars,
    )


def lock_table(tasks: int) -> Table:
    """Locks."""
    return hand_over_table(
        "Lock",
        tasks,
        Lock,
        Row("asyncio.Lock", hand_over(asyncio.Lock, tasks), "checks no owner", ASYNCIO),
        Row("anyio.Lock", hand_over(anyio.Lock, tasks)),
        Row("trio.Lock", hand_over(trio.Lock, tasks), "", TRIO),
    )


def semaphore_table(tasks: int) -> Table:
    """Semaphores of one place."""
    return hand_over_table(
        "Semaphore(1)",
        tasks,
        partial(Semaphore, 1),
        Row("asyncio.Semaphore", hand_over(partial(asyncio.Semaphore, 1), tasks), "", ASYNCIO),
        Row("anyio.Semaphore", hand_over(partial(anyio.Semaphore, 1), tasks)),
        Row("trio.Semaphore", hand_over(partial(trio.Semaphore, 1), tasks), "", TRIO),
    )


def limiter_table(tasks: int) -> Table:
    """Limiters of one token."""
    return hand_over_table(
        "CapacityLimiter(1)",
        tasks,
        partial(CapacityLimiter, 1),
        Row("anyio.CapacityLimiter", hand_over(partial(anyio.CapacityLimiter, 1), tasks)),
        Row("trio.CapacityLimiter", hand_over(partial(trio.CapacityLimiter, 1), tasks), "", TRIO),
    )


def pass_table(tasks: int) -> Table:
    """Locks that nobody need ever wait for, but that checkpoints come while they are held."""
    fast = "one checkpoint in 64 times"
    return Table(
        f"Lock, fast_acquire: {tasks} tasks that do not wait while they hold it",
        10 * TURNS,
        [
            Row("pynector Lock", pass_through(partial(Lock, fast_acquire=True), tasks), fast),
            Row("asyncio.Lock", pass_through(asyncio.Lock, tasks), "checks no owner; no checkpoint", ASYNCIO),
            Row("anyio.Lock", pass_through(partial(anyio.Lock, fast_acquire=True), tasks), "no checkpoint"),
            Row("limit: two empty coroutines", pass_through(Nothing, tasks)),
        ],
    )


TWO_RHYTHMS = (
    "With trio, which runs tasks in random order, a run of AnyIO's falls into one of two rhythms, and stays "
    "in it: 12 or 37 microseconds. The median tells which came more often."
)


def condition_table(title: str, *, hold: bool) -> Table:
    """Conditions."""
    return Table(
        title,
        TURNS,
        [
            Row("pynector Condition", ping_pong(Condition, hold=hold)),
            Row("asyncio.Condition", ping_pong(asyncio.Condition, hold=hold), "", ASYNCIO),
            Row("anyio.Condition", ping_pong(anyio.Condition, hold=hold)),
            Row("trio.Condition", ping_pong(trio.Condition, hold=hold), "", TRIO),
            *limits(partial(ping_pong, hold=hold), waits),
        ],
        {"asyncio.Condition": 1.1},
        note="" if hold else TWO_RHYTHMS,
    )


TABLES = [
    *(table(tasks) for table in (lock_table, semaphore_table, limiter_table) for tasks in (2, 100, 1000)),
    *(pass_table(tasks) for tasks in (2, 100)),
    condition_table("Condition: ping-pong, the lock kept in between", hold=True),
    condition_table("Condition: ping-pong, the lock acquired for each turn", hold=False),
    Table(
        "Condition: all of 100 tasks notified, again and again",
        TURNS,
        [
            Row("pynector Condition", call_all(Condition)),
            Row("asyncio.Condition", call_all(asyncio.Condition), "", ASYNCIO),
            Row("anyio.Condition", call_all(anyio.Condition)),
            Row("trio.Condition", call_all(trio.Condition), "", TRIO),
            *limits(call_all, waits),
        ],
        {"asyncio.Condition": 1.1},
    ),
    Table(
        "Event: start 1,000 tasks that wait, and wake them",
        1000,
        [
            Row("pynector Event", wake(Event)),
            Row("asyncio.Event", wake(asyncio.Event), "", ASYNCIO),
            Row("anyio.Event", wake(anyio.Event)),
            Row("trio.Event", wake(trio.Event), "", TRIO),
            Row("limit: start 1,000 tasks that yield once", lambda: partial(spawn, [turn()] * 1000)),
        ],
        {"asyncio.Event": 1.0},
    ),
]
