"""What a report says beside the failures."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import cancel_everywhere, explore

BACKENDS = ["asyncio", "trio"]


async def always_fails() -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(checkpoint)
    raise LookupError("lost")


async def sleeps() -> None:
    async def sleeper() -> None:
        await anyio.sleep(1)

    async def other() -> None:
        await anyio.sleep(1)

    async with anyio.create_task_group() as tg:
        for function in (sleeper, sleeper, other):
            tg.start_soon(function)


async def starts_no_task() -> None:
    await checkpoint()


@pytest.mark.parametrize("run", [explore, cancel_everywhere])
def test_that_it_stopped_early_is_said(run: Any) -> None:
    options = {"orders": 50} if run is cancel_everywhere else {}

    report = run(always_fails, max_failures=4, **options)

    assert report.stopped_after == 4
    assert report.schedules == 4
    assert "stopped after 4 failing schedules (max_failures)" in str(report)
    assert "stopped" not in str(explore(sleeps, schedules=3))
    assert "stopped" not in str(
        run(always_fails, max_failures=1, **({"order": "fifo"} if run is explore else {}))
    )


def test_that_it_failed_before_anything_was_cancelled_comes_first() -> None:
    lines = str(cancel_everywhere(always_fails)).splitlines()

    assert lines[1] == "it failed before anything was cancelled"
    assert not any("never injected" in line for line in lines)


def test_where_no_victim_matches_the_names_are_told() -> None:
    report = cancel_everywhere(sleeps, victims=lambda name: name == "user")

    assert not report.ok
    assert (
        "scope, native: never injected, since victims chose none of the tasks,"
        " which are named sleeper, other; nothing is proved"
    ) in str(report)


def test_that_no_task_was_started_is_said() -> None:
    assert "never injected, since the scenario started no task (root=True" in str(
        cancel_everywhere(starts_no_task)
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_deadlocks_at_different_places_are_different(backend: str) -> None:
    async def scenario() -> None:
        left, right = anyio.Event(), anyio.Event()
        first: list[str] = []

        async def user(name: str) -> None:
            first.append(name)
            if first[0] == "left":
                await left.wait()
            else:
                await right.wait()

        async with anyio.create_task_group() as tg:
            tg.start_soon(user, "left")
            tg.start_soon(user, "right")

    report = explore(scenario, backend=backend)

    assert [failure.kind for failure in report.failures] == ["deadlock", "deadlock"]
    assert sum(failure.count for failure in report.failures) == 20


def test_deadlocks_of_more_or_fewer_tasks_at_one_place_are_the_same() -> None:
    async def scenario() -> None:
        turns: list[int] = []

        async def user(number: int) -> None:
            turns.append(number)
            if turns[0] == 0 or number != 2:
                await anyio.Event().wait()

        async with anyio.create_task_group() as tg:
            for number in range(3):
                tg.start_soon(user, number)

    assert len(explore(scenario).failures) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_line_that_waits_is_the_users_and_not_one_of_pynector(backend: str) -> None:
    async def scenario() -> None:
        async with create_task_group() as tg:
            tg.start_soon(anyio.Event().wait)

    (failure,) = explore(scenario, backend=backend).failures

    assert failure.waiting[0].startswith("scenario#0 waits at test_report.py:")
    assert "in scenario: async with create_task_group() as tg:  (in " in failure.waiting[0]


def test_what_the_loop_is_told_without_an_error_is_an_unhandled_error() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "something is wrong"})

    (failure,) = explore(scenario).failures

    assert (failure.kind, failure.text) == ("unhandled error", "something is wrong")


def test_an_address_makes_no_other_failure() -> None:
    async def scenario() -> None:
        await checkpoint()
        raise LookupError(f"lost: {object()}")

    assert len(explore(scenario, schedules=50).failures) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_livelock_is_told_by_those_who_wait_not_by_the_lines_of_those_who_go_round(backend: str) -> None:
    async def scenario() -> None:
        async def poll() -> None:
            while True:
                await anyio.sleep(1)
                await checkpoint()

        async def user() -> None:
            await anyio.Event().wait()

        async with anyio.create_task_group() as tg:
            for function in (poll, poll, user):
                tg.start_soon(function)

    (failure,) = explore(scenario, backend=backend, max_steps=200).failures

    assert failure.kind == "livelock"
    assert [line.partition(" test_report")[0] for line in failure.waiting] == [
        "scenario#0 waits at",
        "poll#1 goes round at",
        "poll#2 goes round at",
        "user#3 waits at",
    ]
