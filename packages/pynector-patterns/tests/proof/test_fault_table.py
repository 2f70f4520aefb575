"""Each row of the fault table is injected, by scenarios that are clean, and really fires."""

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import prove
import pytest
import scenarios_busy
import scenarios_ends
import scenarios_errors
import scenarios_faults
import scenarios_primitives
import scenarios_queues
import scenarios_threads
from scenarios_faults import FIRED

from pynector.concurrency.testing import Report, cancel_everywhere, explore, replay


@dataclass(frozen=True)
class Row:
    """A kind of fault.

    Attributes:
        fault: What it is.
        scenarios: Those that inject it.
        kinds: What is injected from outside; without any, the scenario brings its fault along.
        counts: What the scenarios count in `FIRED`, or the report in its `fired`; none may be zero.
        eager: Whether tasks start at once.
        lateness: Seconds by which timers fire late.
    """

    fault: str
    scenarios: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    eager: bool = False
    lateness: float = 0.0


POOL = ("pool_loses_no_place",)
PRIMITIVES = tuple(
    scenario.__name__ for module in (scenarios_primitives, scenarios_queues) for scenario in module.SCENARIOS
)
ROWS = {
    1: Row("a scope is cancelled", ("semaphore_keeps_its_places", *POOL), ("scope",)),
    2: Row("a task is cancelled natively", ("condition_leaves_with_the_lock", *POOL), ("native",)),
    3: Row(
        "both in one tick, twice, and again in the clean-up",
        ("lock_has_one_owner", *POOL),
        ("both", "twice", "again"),
    ),
    4: Row("before the first step", ("begins_or_not",), ("scope", "native"), ("never began",)),
    5: Row(
        "a deadline at completion",
        ("deadline_meets_the_hand_over", "acquire_timeout_meets_the_hand_over"),
        counts=("deadline lock", "deadline time-out", "acquire_timeout", "acquire in time"),
    ),
    6: Row("an interrupt", (*PRIMITIVES, *POOL, "workers_do_each_item_once"), ("interrupt",)),
    7: Row("another order", ("lock_is_served_in_order", "workers_do_each_item_once"), counts=("order",)),
    8: Row("eager tasks", ("event_wakes_all", *POOL), ("scope",), eager=True),
    9: Row("the factory raises", ("factory_is_slow_and_fails",), ("scope",), ("factory raises",)),
    10: Row("closing hangs or raises", ("closing_hangs_or_raises",), counts=("close hangs", "close raises")),
    11: Row(
        "a worker raises",
        ("workers_fail",),
        counts=("worker raises ValueError", "worker raises ExceptionGroup"),
    ),
    12: Row("the owner ends", ("owner_ends_without_release",), counts=("owner ended",)),
    13: Row("another thread", ("another_thread_is_refused",), counts=("foreign thread",)),
    14: Row("misuse", ("misuse_changes_nothing",), counts=("misuse",)),
    15: Row("resized while tasks wait", ("resized_while_tasks_wait",), ("scope",), ("resized",)),
    16: Row("a notification meets a cancellation", ("notification_is_not_lost",), ("scope", "native")),
    17: Row(
        "start() meets a child that fails, or says nothing",
        ("child_fails_before_started",),
        counts=("start: child fails", "start: child returns", "start: child starts"),
    ),
    18: Row(
        "closed or stopped twice, at once, from inside",
        ("pool_is_closed_twice", "workers_are_stopped_twice"),
        counts=("close() at once", "stop() at once", "stop() inside a worker"),
    ),
    19: Row("a slow consumer", ("consumer_is_slow",), counts=("queue full",)),
    22: Row("a generator is collected", ("generator_is_collected",), counts=("generator collected",)),
    23: Row(
        "another thread changes something",
        tuple(scenario.__name__ for scenario in scenarios_threads.SCENARIOS),
        counts=("refused in a foreign thread",),
    ),
    24: Row(
        "errors that cannot be changed, are false, have no text, are no `Exception`, or nested groups",
        ("errors_leave_as_they_are", "hooks_that_fail_lose_no_connection"),
        counts=(*(f"error: {kind}" for kind in scenarios_errors.ERRORS), "hook fails"),
    ),
    25: Row(
        "a clean-up fails while its caller is cancelled",
        ("errors_of_a_clean_up_come_first",),
        counts=("clean-up fails", "error of a clean-up arrives"),
    ),
    26: Row(
        "every caller has less time than the work takes",
        (
            "callers_with_less_time_than_opening_takes_are_served",
            "callers_whose_time_is_the_acquire_timeout_are_served",
            "callers_with_less_time_than_a_check_takes_are_served",
        ),
        ("scope",),
        (
            "caller has too little time",
            "acquire_timeout below opening",
            "caller has less time than a check",
        ),
    ),
    # 27, growth, is test_growth.py; 28, the oldest versions and other people's pytest, are environments.
    30: Row(
        "a busy machine",
        ("timers_fire_late", "callers_with_less_time_than_opening_takes_are_served"),
        counts=("a timer is late",),
        lateness=0.3,
    ),
    31: Row(
        "tokens are granted, and released, on behalf of others",
        (
            "limiter_lends_on_behalf_and_gets_each_token_back",
            "task_releases_its_own_token_whoever_acquires_for_it",
        ),
        ("scope", "native"),
        ("token released on its way", "own token released"),
    ),
    32: Row(
        "items are taken without waiting",
        ("item_taken_without_waiting_is_done_once",),
        ("scope", "native"),
        ("taken without waiting",),
    ),
}
SCENARIOS = prove.SCENARIOS

# Of trio, about a generator that is left to the garbage collector, which is one of the faults.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
NO_NATIVE = {"native", "both", "twice", "again"}


def inject(row: Row, backend: str) -> Counter[str]:
    """Run the row's scenarios, which must be clean; tell how often what has happened."""
    before, fired = FIRED.copy(), Counter[str]()
    kinds = [kind for kind in row.kinds if backend == "asyncio" or kind not in NO_NATIVE]
    for name in row.scenarios:
        orders = explore(
            SCENARIOS[name], schedules=10, backend=backend, eager=row.eager, lateness=row.lateness
        )
        orders.check()
        fired["order"] += orders.schedules - 1  # the first is that of the backend
        if kinds:
            fired.update(cancelled_everywhere(name, kinds, backend, eager=row.eager).fired)
    return fired + (FIRED - before)


def cancelled_everywhere(name: str, kinds: Any, backend: str, *, eager: bool) -> Report:
    report = cancel_everywhere(
        SCENARIOS[name], faults=kinds, victims=prove.is_started_by_a_scenario, backend=backend, eager=eager
    )
    report.check()
    return report


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("number", ROWS)
def test_a_fault_is_injected_and_does_no_harm(number: int, backend: str) -> None:
    row = ROWS[number]
    if backend == "trio" and (row.eager or (row.kinds and NO_NATIVE.issuperset(row.kinds))):
        pytest.skip("trio has no such thing")
    if row.eager and sys.version_info < (3, 12):
        pytest.skip("needs Python 3.12")

    fired = inject(row, backend)

    expected = row.counts + tuple(kind for kind in row.kinds if backend == "asyncio" or kind not in NO_NATIVE)
    assert expected
    assert not [count for count in expected if not fired[count]], fired


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    "scenario",
    [
        *scenarios_faults.SCENARIOS,
        *scenarios_ends.SCENARIOS,
        *(scenario for scenario in scenarios_errors.SCENARIOS if scenario.__name__ not in prove.ORDERED_ONLY),
        *scenarios_busy.SCENARIOS,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_what_brings_its_fault_along_bears_a_cancellation(scenario: Any, backend: str) -> None:
    report = cancel_everywhere(scenario, victims=prove.is_started_by_a_scenario, backend=backend)

    report.check()


def test_closing_does_not_wait_for_a_timer_that_never_began() -> None:
    """Natively cancelled before its first step, as at the end of `asyncio.run`, a task never runs."""
    report = cancel_everywhere(
        SCENARIOS["pool_is_closed_twice"], faults=["native"], victims=lambda task: task == "acquire_timeout"
    )

    report.check()
    assert report.fired["native"]


def test_a_cancellation_that_is_on_its_way_comes_before_the_error_of_an_attempt() -> None:
    replay(SCENARIOS["retry_leaves_nothing_behind"], "asyncio/0=1/scope-1@1")
