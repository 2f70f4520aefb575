"""Failures are made short, and come again under the same token."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.task.lowlevel import operation_budget
from pynector.concurrency.testing import Order, explore, replay


async def loses_an_update() -> None:
    """Wrong only if the second task overtakes the first one, three times over."""
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


async def is_correct() -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(checkpoint)
        tg.start_soon(checkpoint)


def test_a_token_brings_the_failure_back() -> None:
    (failure,) = explore(loses_an_update).failures

    for _ in range(3):
        with pytest.raises(AssertionError, match="schedule"):
            replay(loses_an_update, failure.token)
        with pytest.raises(AssertionError, match="schedule"):
            replay(loses_an_update, failure.seed)


def test_replay_passes_when_the_scenario_is_right() -> None:
    replay(is_correct, "asyncio/random-7")


def test_replay_is_caused_by_what_the_scenario_raised() -> None:
    (failure,) = explore(loses_an_update).failures

    with pytest.raises(AssertionError) as caught:
        replay(loses_an_update, failure.token)

    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__traceback__ is not None


def test_the_failure_that_is_shown_is_a_short_one() -> None:
    (failure,) = explore(loses_an_update).failures

    order = failure.token.split("/")[1]

    assert failure.seed.startswith("asyncio/random-")
    assert order.count("=") <= 3


@pytest.mark.parametrize("order", ["random", "pct", "dfs", "bfs"])
def test_every_way_to_choose_finds_it(order: Order) -> None:
    report = explore(loses_an_update, order=order)

    assert [failure.kind for failure in report.failures] == ["exception"]


@pytest.mark.parametrize("order", ["dfs", "bfs"])
def test_a_search_ends_when_no_order_is_left(order: Order) -> None:
    report = explore(is_correct, order=order)

    assert report.ok
    assert report.exhausted
    assert 2 < report.schedules < 1000
    assert "none left to try" in str(report)


def test_dfs_and_bfs_try_the_same_orders() -> None:
    depth, breadth = explore(is_correct, order="dfs"), explore(is_correct, order="bfs")

    assert depth.schedules == breadth.schedules
    assert depth.steps == breadth.steps


def test_the_same_seed_gives_the_same_report() -> None:
    first, second = explore(loses_an_update, seed=5), explore(loses_an_update, seed=5)

    assert first.steps == second.steps
    assert [failure.token for failure in first.failures] == [failure.token for failure in second.failures]


@pytest.mark.parametrize(
    "token", ["", "asyncio", "twisted/fifo", "asyncio/fifo/slow-1@2", "asyncio/fifo/scope-1"]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not a schedule's token"):
        replay(is_correct, token)


def fast_path() -> tuple[Callable[[], Coroutine[Any, Any, None]], list[int]]:
    """Counts, for each run, the operations until one of a fast path was a checkpoint."""
    counts: list[int] = []

    async def scenario() -> None:
        budget, operations = operation_budget(), 1
        while not next(budget):
            operations += 1
        counts.append(operations)

    return scenario, counts


def test_a_fast_path_is_a_checkpoint_at_the_same_operation_whatever_ran_before() -> None:
    scenario, counts = fast_path()

    for token in ("asyncio/fifo", "asyncio/random-7", "asyncio/fifo", "asyncio/random-7"):
        replay(scenario, token)

    assert counts == [64, 8, 64, 8]


def test_a_fast_path_is_a_checkpoint_at_every_operation_under_some_seed() -> None:
    scenario, counts = fast_path()

    explore(scenario, schedules=65)

    assert set(counts) == set(range(1, 65))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("scope-9@1", "there was no task 9, only 3 in all"),
        ("scope-1@999", r"checkpoint#1 had ended after step \d+ of \d+"),
    ],
)
def test_a_token_whose_fault_meets_nobody_says_so(fault: str, why: str) -> None:
    with pytest.warns(RuntimeWarning, match=f"{fault} of .* was injected into no task: {why}"):
        replay(is_correct, f"asyncio/fifo/{fault}")


def test_a_token_whose_fault_comes_before_its_victim_says_so() -> None:
    async def begins_late() -> None:
        await checkpoint()
        await is_correct()

    with pytest.warns(RuntimeWarning, match="was injected into no task: checkpoint#1 was made at step 1"):
        replay(begins_late, "asyncio/fifo/scope-1@0")
