"""What scopes and shields cost where they do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anyio
import trio
from harness import ASYNCIO, LOOPS, TRIO, Row, Table, Work

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after
from pynector.concurrency.errors import shield

TIMES = 3000
UNIX = "the deadline is Unix time on the loop's clock"
LOOP = "the deadline is the loop's time"


def enter(make: Callable[[], AbstractContextManager[Any]]) -> Callable[[], Work]:
    """Enter and leave a scope, so many times."""

    def prepare() -> Work:
        async def work() -> None:
            for _ in range(TIMES):
                with make():
                    pass

        return work

    return prepare


def call(func: Callable[[], Awaitable[object]]) -> Callable[[], Work]:
    """Await a call, so many times."""

    def prepare() -> Work:
        async def work() -> None:
            for _ in range(TIMES):
                await func()

        return work

    return prepare


def asyncio_timeout() -> Work:
    async def work() -> None:
        for _ in range(TIMES):
            async with asyncio.timeout(60):  # noqa: ASYNC100
                pass

    return work


async def nothing() -> None:
    pass


async def shielded_by_anyio() -> None:
    with anyio.CancelScope(shield=True):
        await nothing()


def table(title: str, ours: Row, peer: str, bar: float, *others: Row) -> Table:
    """A table with one bar, which holds on all loops."""
    return Table(title, TIMES, [ours, *others], {peer: bar}, {peer: bar})


DEADLINE = (
    Row("limit: asyncio.timeout", asyncio_timeout, "no scope: it cancels the task", ASYNCIO),
    Row(
        "limit: trio.CancelScope",
        enter(lambda: trio.CancelScope(deadline=trio.current_time() + 60)),
        "what trio's functions enter",
        TRIO,
    ),
)
TABLES = [
    table(
        "`fail_after` that does not fire",
        Row("pynector fail_after", enter(lambda: fail_after(60)), UNIX),
        "anyio.fail_after",
        0.65,
        Row("anyio.fail_after", enter(lambda: anyio.fail_after(60)), LOOP),
        Row("trio.fail_after", enter(lambda: trio.fail_after(60)), LOOP, TRIO),
        *DEADLINE,
    ),
    table(
        "`move_on_after` that does not fire",
        Row("pynector move_on_after", enter(lambda: move_on_after(60)), UNIX),
        "anyio.move_on_after",
        1.2,
        Row("anyio.move_on_after", enter(lambda: anyio.move_on_after(60)), LOOP),
        Row("trio.move_on_after", enter(lambda: trio.move_on_after(60)), LOOP, TRIO),
        *DEADLINE,
    ),
    table(
        "A scope without a deadline",
        Row("pynector CancelScope", enter(CancelScope)),
        "anyio.CancelScope",
        1.2,
        Row("anyio.CancelScope", enter(anyio.CancelScope)),
        Row("limit: trio.CancelScope", enter(trio.CancelScope), "", TRIO),
        Row("limit: a block that does nothing", enter(nullcontext), "no scope", ASYNCIO),
    ),
    table(
        "A shielded call",
        Row("pynector shield", call(lambda: shield(nothing)), "refuses what gives no awaitable"),
        "anyio.CancelScope(shield=True)",
        1.1,
        Row("anyio.CancelScope(shield=True)", call(shielded_by_anyio), "in a function of the user's"),
        Row("limit: the call alone", call(nothing), "no shield", LOOPS),
    ),
]
