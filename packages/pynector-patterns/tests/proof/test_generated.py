"""Drawn operations of several tasks hold what the model says, in many orders, and when one is cancelled."""

from itertools import pairwise

import prove
import pytest
from generated import OPERATIONS, scenario_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pynector.concurrency.testing import cancel_everywhere, explore

TASKS = st.lists(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=3), min_size=2, max_size=4)


def prove_all(tasks: list[list[str]], backend: str) -> int:
    scenario = scenario_of(tasks)
    orders = explore(scenario, schedules=10, backend=backend, max_failures=1)
    orders.check()
    strikes = cancel_everywhere(
        scenario, backend=backend, victims=prove.is_started_by_a_scenario, max_failures=1
    )
    assert not strikes.failures, str(strikes)
    return orders.schedules + strikes.schedules


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(settings.get_profile("explored"))
@given(tasks=TASKS)
def test_drawn_operations_hold_what_the_model_says(backend: str, tasks: list[list[str]]) -> None:
    assert prove_all(tasks, backend) > 10


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_each_operation_meets_another(backend: str) -> None:
    for pair in pairwise(OPERATIONS):
        explore(scenario_of([pair, pair[::-1]]), schedules=5, backend=backend).check()
