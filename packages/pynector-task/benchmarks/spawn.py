"""What it costs to start tasks, and to join them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import trio
from harness import ASYNCIO, LOOPS, TRIO, Row, Table, Work

from pynector.concurrency.task import create_task_group

HANDLE = "a handle and a scope for each child"


async def child() -> None:
    pass


async def ours(children: int) -> None:
    async with create_task_group() as tg:
        for _ in range(children):
            tg.start_soon(child)


async def anyio_group(children: int) -> None:
    async with anyio.create_task_group() as tg:
        for _ in range(children):
            tg.start_soon(child)


async def asyncio_group(children: int) -> None:
    async with asyncio.TaskGroup() as tg:
        for _ in range(children):
            tg.create_task(child())


async def nursery(children: int) -> None:
    async with trio.open_nursery() as tg:
        for _ in range(children):
            tg.start_soon(child)


def groups(join: Callable[[int], Awaitable[None]], children: int, times: int) -> Callable[[], Work]:
    """So many groups, one after the other."""

    def prepare() -> Work:
        async def work() -> None:
            for _ in range(times):
                await join(children)

        return work

    return prepare


def limits(children: int, times: int) -> list[Row]:
    """The event loops' own groups."""
    return [
        Row(
            "limit: asyncio.TaskGroup",
            groups(asyncio_group, children, times),
            "no handle but the task, no scope",
            ASYNCIO,
        ),
        Row(
            "limit: trio.Nursery",
            groups(nursery, children, times),
            "no handle, no scope of a child's own",
            TRIO,
        ),
    ]


def spawn_table(children: int) -> Table:
    """Groups of one size."""
    times = max(1, 2_000 // children)
    return Table(
        f"Start and join {children:,} children"
        if children > 1
        else "Start and join one child, and its group",
        children * times,
        [
            Row("pynector TaskGroup", groups(ours, children, times), HANDLE),
            Row("anyio.TaskGroup", groups(anyio_group, children, times), HANDLE),
            *limits(children, times),
        ],
        {"anyio.TaskGroup": 1.1},
        {"anyio.TaskGroup": 0.5},
        heavy=children == 100_000,
    )


def growth() -> Table:
    """Groups of growing size."""
    sizes = (100, 1_000, 10_000)
    bars = {f"{size:,} children": 1.15 for size in sizes[1:]}
    return Table(
        "Start and join children: what one costs as there are more",
        sizes[-1],
        [
            *(Row(f"{size:,} children", groups(ours, size, sizes[-1] // size), "", LOOPS) for size in sizes),
            *limits(sizes[-1], 1),
        ],
        bars,
        bars,
        note="All children of a group are alive together, so that their memory grows with them.",
        grows=True,
    )


TABLES = [*map(spawn_table, (1, 10, 100, 1_000, 10_000, 100_000)), growth()]
