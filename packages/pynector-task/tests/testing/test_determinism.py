"""A scenario that does not do the same thing each time is told apart from one that is wrong."""

from __future__ import annotations

from functools import partial

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere, explore, replay

BACKENDS = ["asyncio", "trio"]


def keeps_state() -> tuple[list[int], object]:
    """A scenario that takes a step more each time, as one does that keeps what it made."""
    calls: list[int] = []

    async def scenario() -> None:
        calls.append(1)
        async with anyio.create_task_group() as tg:
            tg.start_soon(checkpoint)
            for _ in calls:
                await checkpoint()

    return calls, scenario


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_that_differ_are_told(backend: str) -> None:
    for run in (partial(explore, schedules=3), cancel_everywhere):
        _, scenario = keeps_state()

        first = run(scenario, backend=backend).failures[0]  # type: ignore[operator]

        assert first.kind == "not deterministic"
        assert f"the same schedule went two ways: {first.step} steps, then {first.step + 1};" in first.text
        assert "a fixture or a global that keeps what the first run left in it" in first.text
        assert not first.repeatable


def test_outcomes_that_differ_are_told() -> None:
    async def scenario() -> None:
        await checkpoint()
        if calls:
            raise LookupError("used up")
        calls.append(1)

    calls: list[int] = []
    first, second = explore(scenario, schedules=3).failures

    assert "no failure, then exception (LookupError: used up);" in first.text
    assert second.kind == "exception"


def test_choices_that_differ_are_told() -> None:
    async def scenario() -> None:
        first_time = not calls
        calls.append(1)

        async def sleeper(seconds: float) -> None:
            await anyio.sleep(seconds)

        async with anyio.create_task_group() as tg:
            tg.start_soon(sleeper, 1)
            tg.start_soon(sleeper, 1 if first_time else 2)

    calls: list[int] = []
    (failure,) = explore(scenario, schedules=3, backend="trio").failures

    assert "the same schedule went two ways: 2 ready at choice 1, then 1;" in failure.text


def test_what_cannot_be_replayed_prints_no_line_to_do_so() -> None:
    _, scenario = keeps_state()

    report = explore(scenario, schedules=3)  # type: ignore[arg-type]

    assert not report.ok
    assert "not deterministic" in str(report)
    assert "replay(" not in str(report)


def test_a_failure_that_does_not_come_again_prints_no_line_to_replay_it() -> None:
    async def scenario() -> None:
        await checkpoint()
        calls.append(1)
        assert len(calls) != 3

    calls: list[int] = []
    (failure,) = explore(scenario, schedules=3).failures

    assert not failure.repeatable
    assert "it did not fail again under the same schedule" in str(failure)
    assert "seen with asyncio/random-0" in str(failure)
    assert "replay(" not in str(failure)


@pytest.mark.parametrize("order", ["fifo", "random", "dfs"])
def test_one_schedule_alone_is_run_once(order: object) -> None:
    calls, scenario = keeps_state()

    assert explore(scenario, schedules=1, order=order).ok  # type: ignore[arg-type]
    assert len(calls) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_second_run_does_not_count(backend: str) -> None:
    async def scenario() -> None:
        calls.append(1)
        await checkpoint()

    calls: list[int] = []
    report = explore(scenario, schedules=5, backend=backend)

    assert report.schedules == 5
    assert len(calls) == 6


@pytest.mark.parametrize("backend", BACKENDS)
def test_where_threads_call_in_steps_are_not_compared(backend: str) -> None:
    async def scenario() -> None:
        calls.append(1)
        await anyio.to_thread.run_sync(int)
        for _ in calls:
            await checkpoint()

    calls: list[int] = []

    explore(scenario, schedules=3, backend=backend).check()


@pytest.mark.parametrize("order", ["fifo", "random-3"])
def test_those_whom_a_fault_wakes_together_have_an_order_that_no_address_decides(order: str) -> None:
    async def scenario() -> None:
        async def child(number: int) -> None:
            try:
                await anyio.sleep(10)
            finally:
                ended.append(number)

        async def parent() -> None:
            async with anyio.create_task_group() as tg:
                for number in range(12):
                    tg.start_soon(child, number)

        async with anyio.create_task_group() as tg:
            tg.start_soon(parent)

    ended: list[int] = []
    seen: set[tuple[int, ...]] = set()
    kept: list[list[bytearray]] = []
    for size in range(20):
        kept.append([bytearray(37 * place % 600) for place in range(size)])  # so that addresses differ
        replay(scenario, f"asyncio/{order}/scope-1@14")
        seen.add(tuple(ended))
        ended.clear()

    assert len(seen) == 1
    if order == "fifo":
        assert seen == {tuple(range(12))}
