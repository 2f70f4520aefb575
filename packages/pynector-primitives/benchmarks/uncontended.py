"""What it costs to take what is free, and give it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import trio
from bare import Nothing, Turn
from harness import ASYNCIO, Row, Table, Work

from pynector.concurrency.primitives import CapacityLimiter, Event, Lock, Semaphore

TIMES = 2000


def hold(make: Callable[[], Any]) -> Callable[[], Work]:
    """Enter and leave a block, so many times."""

    def prepare() -> Work:
        thing = make()

        async def work() -> None:
            for _ in range(TIMES):
                async with thing:
                    pass

        return work

    return prepare


def wait(make: Callable[[], Any]) -> Callable[[], Work]:
    """Wait for an event that is set, so many times."""

    def prepare() -> Work:
        event = make()
        event.set()

        async def work() -> None:
            for _ in range(TIMES):
                await event.wait()

        return work

    return prepare


CHECKED = "no checkpoint but one in 64, checks the owner"
FREE = "no checkpoint, checks no owner"
LOOK = "no checkpoint, looks for a cancellation, checks the owner"
EACH = "a checkpoint, checks the owner"

TABLES = [
    Table(
        "Lock, free, fast_acquire: `async with`",
        TIMES,
        [
            Row("pynector Lock", hold(partial(Lock, fast_acquire=True)), CHECKED),
            Row("asyncio.Lock", hold(asyncio.Lock), FREE, ASYNCIO),
            Row("anyio.Lock, fast", hold(partial(anyio.Lock, fast_acquire=True)), LOOK),
            Row("trio.Lock", hold(trio.Lock), EACH, ("trio",)),
            Row("limit: two empty coroutines", hold(Nothing)),
        ],
        {"asyncio.Lock": 0.95, "anyio.Lock, fast": 0.55},
    ),
    Table(
        "Lock, free: `async with`",
        TIMES,
        [
            Row("pynector Lock", hold(Lock), EACH),
            Row("anyio.Lock", hold(anyio.Lock), EACH),
            Row("trio.Lock", hold(trio.Lock), EACH, ("trio",)),
            Row("limit: one turn of the loop", hold(Turn)),
        ],
        {"anyio.Lock": 0.6},
    ),
    Table(
        "Semaphore, free, fast_acquire: `async with`",
        TIMES,
        [
            Row(
                "pynector Semaphore",
                hold(partial(Semaphore, 1, fast_acquire=True)),
                "no checkpoint but one in 64",
            ),
            Row("asyncio.Semaphore", hold(partial(asyncio.Semaphore, 1)), "no checkpoint", ASYNCIO),
            Row(
                "anyio.Semaphore, fast", hold(partial(anyio.Semaphore, 1, fast_acquire=True)), "no checkpoint"
            ),
            Row("trio.Semaphore", hold(partial(trio.Semaphore, 1)), "a checkpoint", ("trio",)),
            Row("limit: two empty coroutines", hold(Nothing)),
        ],
        {"asyncio.Semaphore": 0.95, "anyio.Semaphore, fast": 0.55},
    ),
    Table(
        "Semaphore, free: `async with`",
        TIMES,
        [
            Row("pynector Semaphore", hold(partial(Semaphore, 1)), "a checkpoint"),
            Row("anyio.Semaphore", hold(partial(anyio.Semaphore, 1)), "a checkpoint"),
            Row("trio.Semaphore", hold(partial(trio.Semaphore, 1)), "a checkpoint", ("trio",)),
            Row("limit: one turn of the loop", hold(Turn)),
        ],
        {"anyio.Semaphore": 0.6},
    ),
    Table(
        "CapacityLimiter, free, fast_acquire: `async with`",
        TIMES,
        [
            Row("pynector CapacityLimiter", hold(partial(CapacityLimiter, 1, fast_acquire=True)), CHECKED),
            Row("anyio.CapacityLimiter", hold(partial(anyio.CapacityLimiter, 1)), EACH),
            Row("trio.CapacityLimiter", hold(partial(trio.CapacityLimiter, 1)), EACH, ("trio",)),
            Row("limit: two empty coroutines", hold(Nothing)),
        ],
        {"anyio.CapacityLimiter": 0.25},
    ),
    Table(
        "CapacityLimiter, free: `async with`",
        TIMES,
        [
            Row("pynector CapacityLimiter", hold(partial(CapacityLimiter, 1)), EACH),
            Row("anyio.CapacityLimiter", hold(partial(anyio.CapacityLimiter, 1)), EACH),
            Row("trio.CapacityLimiter", hold(partial(trio.CapacityLimiter, 1)), EACH, ("trio",)),
            Row("limit: one turn of the loop", hold(Turn)),
        ],
        {"anyio.CapacityLimiter": 0.6},
    ),
    Table(
        "Event that is set: wait()",
        TIMES,
        [
            Row("pynector Event", wait(Event), "a checkpoint"),
            Row("anyio.Event", wait(anyio.Event), "a checkpoint"),
            Row("asyncio.Event", wait(asyncio.Event), "no checkpoint", ASYNCIO),
            Row("trio.Event", wait(trio.Event), "a checkpoint", ("trio",)),
            Row("limit: one turn of the loop", wait(Turn)),
        ],
    ),
]
