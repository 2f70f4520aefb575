"""What the options of a pool cost: hooks, watches, keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from harness import ASYNCIO, Row, Table
from pools import ENDS, TIMES, Borrow, Connection, alone, bare_list, of_psycopg, ours

from pynector.concurrency.patterns import KeyedConnectionPool, PoolEvent, PoolWatch


def hook(connection: object) -> None:
    """A `check` or `reset` that finds all well, at once."""


async def async_hook(connection: object) -> None:
    """The same, async, as psycopg_pool wants it."""


def on_event(event: PoolEvent) -> None:
    """Does nothing."""


async def connect(key: object) -> Connection:
    return Connection()


@asynccontextmanager
async def keyed(connections: int) -> AsyncIterator[Borrow]:
    async with KeyedConnectionPool(
        max_per_key=connections, max_connections=10 * connections, connection_factory=connect
    ) as pool:
        yield partial(pool.acquire, ("localhost", 80))


def row(name: str, note: str = "", **options: Any) -> Row:
    return Row(f"pynector, {name}", alone(partial(ours, **options)), note)


TABLES = [
    Table(
        "Connection pool: acquire and release, with its options",
        TIMES,
        [
            row("no option", "hands a connection out and takes it back"),
            row("limits", "max_idle and max_lifetime: looks at the clock", limits=ENDS),
            row("check", "a function that is not async", check=hook),
            row("reset", "a function that is not async; shielded", reset=hook),
            row("async check", "acquire_timeout counts in it: a scope", check=async_hook),
            row("async reset", "shielded and limited in time: a scope", reset=async_hook),
            row("timed", "how long each waits and holds", watch=PoolWatch(timed=True)),
            row("on_event", "calls a function that does nothing", watch=PoolWatch(on_event=on_event)),
            row("leak_after", "notes where each was acquired", watch=PoolWatch(leak_after=60)),
            Row("pynector KeyedConnectionPool", alone(keyed), "one key of many; max_idle"),
            Row("psycopg_pool", alone(of_psycopg), "has limits like these always", ASYNCIO),
            Row("limit: a list", alone(bare_list), "no pool at all"),
        ],
    ),
    Table(
        "Connection pool: acquire and release, with async check and reset",
        TIMES,
        [
            row(
                "async check and reset, limits",
                "both limited in time, reset shielded",
                check=async_hook,
                reset=async_hook,
                limits=ENDS,
            ),
            Row(
                "psycopg_pool, check and reset",
                alone(partial(of_psycopg, check=async_hook, reset=async_hook)),
                "not shielded, not limited in time",
                ASYNCIO,
            ),
            Row("limit: a list", alone(bare_list), "no pool at all"),
        ],
    ),
]
