"""What `explore()` promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import explore, invariant


async def counts_under_a_lock() -> None:
    lock, total = anyio.Lock(), 0

    async def add() -> None:
        nonlocal total
        async with lock:
            seen = total
            await checkpoint()
            total = seen + 1

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(add)
    assert total == 3


async def counts_without_a_lock() -> None:
    total = 0

    async def add(times: int) -> None:
        nonlocal total
        for _ in range(times):
            await checkpoint()
        seen = total
        await checkpoint()
        total = seen + 1

    async with anyio.create_task_group() as tg:
        tg.start_soon(add, 0)
        tg.start_soon(add, 3)
    assert total == 2


async def locks_crosswise() -> None:
    first, second = anyio.Lock(), anyio.Lock()

    async def take(one: anyio.Lock, other: anyio.Lock) -> None:
        async with one:
            await anyio.sleep(1)
            async with other:
                pass

    async with anyio.create_task_group() as tg:
        tg.start_soon(take, first, second)
        tg.start_soon(take, second, first)


async def sleeps_for_ever() -> None:
    while True:  # noqa: ASYNC110
        await anyio.sleep(3600)


async def leaves_a_task_behind() -> None:
    task = asyncio.create_task(asyncio.sleep(5))
    assert task


async def forgets_to_await() -> None:
    anyio.sleep(1)  # type: ignore[unused-coroutine]


async def fails_unseen() -> None:
    async def fail() -> None:
        raise ValueError("unseen")

    task = asyncio.create_task(fail())
    await asyncio.sleep(1)
    assert task.done()


async def breaks_its_invariant() -> None:
    items: list[int] = []
    invariant(lambda: len(items) < 2)
    for item in range(3):
        items.append(item)
        await checkpoint()


def test_a_correct_scenario_is_clean() -> None:
    report = explore(counts_under_a_lock, schedules=200)

    report.check()
    assert report.schedules == 200
    assert not report.failures


def test_what_fails_only_in_another_order_is_found() -> None:
    assert explore(counts_without_a_lock, order="fifo").ok
    assert not explore(counts_without_a_lock, schedules=1000).ok


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        (counts_without_a_lock, "exception"),
        (breaks_its_invariant, "invariant"),
        (locks_crosswise, "deadlock"),
        (sleeps_for_ever, "livelock"),
        (leaves_a_task_behind, "leaked task"),
        (forgets_to_await, "never awaited"),
        (fails_unseen, "unhandled error"),
    ],
)
def test_each_kind_of_failure_is_named(scenario: Callable[[], Coroutine[Any, Any, None]], kind: str) -> None:
    report = explore(scenario, max_steps=1000)

    assert [failure.kind for failure in report.failures] == [kind]
    with pytest.raises(AssertionError, match=kind):
        report.check()


def test_a_deadlock_names_the_tasks_and_the_lines_on_which_they_wait() -> None:
    (failure,) = explore(locks_crosswise, order="fifo").failures

    _, first, second = failure.waiting
    assert first.startswith("take#1 waits at test_explore.py")
    assert "async with other" in first
    assert second.startswith("take#2 waits at test_explore.py")


def test_a_failure_prints_its_schedule_and_the_line_that_replays_it() -> None:
    (failure,) = explore(locks_crosswise, order="fifo").failures

    assert "take#1  test_explore.py" in str(failure)
    assert 'replay(locks_crosswise, "asyncio/fifo")' in str(failure)


def test_explore_refuses_to_run_in_a_task() -> None:
    async def main() -> None:
        explore(counts_under_a_lock)

    with pytest.raises(RuntimeError, match="from a function"):
        anyio.run(main)


def test_invariant_refuses_to_be_called_outside_a_scenario() -> None:
    with pytest.raises(RuntimeError, match="in a scenario"):
        invariant(lambda: True)
