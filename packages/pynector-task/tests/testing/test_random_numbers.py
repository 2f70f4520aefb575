"""Numbers that the module `random` draws belong to the schedule."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere, explore, replay

BACKENDS = ["asyncio", "trio"]


def draws() -> tuple[Callable[[], Coroutine[Any, Any, None]], list[float]]:
    """A scenario that draws a number, and the numbers that it has drawn."""
    drawn: list[float] = []

    async def scenario() -> None:
        drawn.append(random.random())
        await checkpoint()

    return scenario, drawn


async def fails_by_chance() -> None:
    await checkpoint()
    assert random.random() < 0.9, "bad luck"


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_schedule_draws_the_same_each_time(backend: str) -> None:
    scenario, drawn = draws()

    for _ in range(3):
        random.random()
        replay(scenario, f"{backend}/fifo")
        replay(scenario, f"{backend}/random-7")

    assert len(set(drawn)) == 2


def test_schedules_of_different_seeds_draw_different_numbers() -> None:
    scenario, drawn = draws()

    explore(scenario, schedules=50).check()

    assert len(set(drawn)) == 49  # fifo draws what seed 0 does


def test_what_others_would_have_drawn_they_still_draw() -> None:
    scenario, _ = draws()
    random.seed(5)
    first = random.random()
    random.seed(5)

    explore(scenario, schedules=3).check()

    assert random.random() == first


def test_a_failure_by_chance_keeps_its_seed_and_no_order() -> None:
    (failure,) = explore(fails_by_chance).failures

    assert failure.repeatable
    assert failure.token == failure.seed.replace("/random-", "+seed=") + "/fifo"
    with pytest.raises(AssertionError, match="bad luck"):
        replay(fails_by_chance, failure.token)


def test_where_faults_are_injected_numbers_are_drawn_by_the_seed_of_the_order() -> None:
    async def scenario() -> None:
        await fails_by_chance()

    report = cancel_everywhere(scenario, root=True, orders=30)

    assert [failure.repeatable for failure in report.failures] == [True]


def test_a_seed_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no such modifier: 'seed=x'"):
        replay(fails_by_chance, "asyncio+seed=x/fifo")
