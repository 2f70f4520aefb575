"""Timers that fire late."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.testing import Order, cancel_everywhere, explore, replay

BACKENDS = ["asyncio", "trio"]


class Pool:
    """A pool whose waiters do not look again after they were woken."""

    def __init__(self) -> None:
        self.free = [0]
        self.waiting: list[anyio.Event] = []

    async def acquire(self) -> int:
        if not self.free:
            event = anyio.Event()
            self.waiting.append(event)
            await event.wait()
        return self.free.pop()

    def release(self, connection: int) -> None:
        self.free.append(connection)
        if self.waiting:
            self.waiting.pop(0).set()


async def users_meet_only_if_late() -> None:
    pool = Pool()

    async def user(arrival: float) -> None:
        await anyio.sleep(arrival)
        connection = await pool.acquire()
        await anyio.sleep(0.9)
        pool.release(connection)

    async with anyio.create_task_group() as tg:
        for arrival in (0, 0.5, 1):
            tg.start_soon(user, arrival)


def wakes(*delays: float) -> tuple[Callable[[], Any], set[tuple[tuple[float, float], ...]]]:
    """A scenario that sleeps, and what it has seen: who woke when, in which order."""
    seen: set[tuple[tuple[float, float], ...]] = set()

    async def scenario() -> None:
        woken: list[tuple[float, float]] = []
        began = anyio.current_time()

        async def sleeper(delay: float) -> None:
            await anyio.sleep(delay)
            woken.append((delay, round(anyio.current_time() - began, 6)))

        async with anyio.create_task_group() as tg:
            for delay in delays:
                tg.start_soon(sleeper, delay)
        seen.add(tuple(woken))

    return scenario, seen


@pytest.mark.parametrize("order", ["random", "pct", "dfs", "bfs"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_meets_only_if_a_timer_is_late_is_found(backend: str, order: Order) -> None:
    assert explore(users_meet_only_if_late, backend=backend, schedules=300, order=order).ok

    report = explore(users_meet_only_if_late, backend=backend, order=order, lateness=0.1)

    (failure,) = report.failures
    assert "pop from empty list" in failure.text
    assert failure.token.startswith(f"{backend}+late=0.1/")
    with pytest.raises(AssertionError, match="pop from empty list"):
        replay(users_meet_only_if_late, failure.token)
    with pytest.raises(AssertionError, match="pop from empty list"):
        replay(users_meet_only_if_late, failure.seed)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks_may_be_late() -> None:
    (failure,) = explore(users_meet_only_if_late, eager=True, lateness=0.1).failures

    assert failure.seed.startswith("asyncio+eager+late=0.1/random-")
    with pytest.raises(AssertionError, match="pop from empty list"):
        replay(users_meet_only_if_late, failure.seed)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_timer_fires_late_but_never_early_and_never_by_more(backend: str) -> None:
    scenario, seen = wakes(0.7, 0.8, 1.0)

    explore(scenario, backend=backend, order="dfs", lateness=0.1).check()

    assert seen == {
        ((0.7, 0.7), (0.8, 0.8), (1.0, 1.0)),
        ((0.7, 0.8), (0.8, 0.8), (1.0, 1.0)),
        ((0.8, 0.8), (0.7, 0.8), (1.0, 1.0)),
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_timers_of_several_times_come_together(backend: str) -> None:
    scenario, seen = wakes(1, 2, 3)

    explore(scenario, backend=backend, order="dfs", schedules=500, lateness=5).check()

    assert ((3, 3), (2, 3), (1, 3)) in seen
    assert ((1, 1), (3, 3), (2, 3)) in seen
    assert ((2, 2), (1, 2), (3, 3)) in seen


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sleep_may_be_so_late_that_a_limit_strikes_it(backend: str) -> None:
    async def scenario() -> None:
        with anyio.move_on_after(1.1) as scope:
            await anyio.sleep(1)
        outcomes.add(scope.cancelled_caught)

    outcomes: set[bool] = set()
    explore(scenario, backend=backend, schedules=50).check()
    assert outcomes == {False}

    explore(scenario, backend=backend, schedules=50, lateness=0.1).check()
    assert outcomes == {False, True}


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_lateness_each_timer_is_on_time(backend: str) -> None:
    scenario, seen = wakes(0.7, 0.8)

    plain = explore(scenario, backend=backend, order="dfs")
    none = explore(scenario, backend=backend, order="dfs", lateness=0)

    assert seen == {((0.7, 0.7), (0.8, 0.8))}
    assert (plain.schedules, plain.steps) == (none.schedules, none.steps)
    assert "none left to try with each timer on time" in str(plain)


def test_the_report_says_how_late_timers_were() -> None:
    report = explore(wakes(1)[0], order="dfs", lateness=0.2)

    assert "asyncio, dfs, timers up to 0.2 s late, none left to try;" in str(report)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tasks_are_cancelled_where_timers_are_late(backend: str) -> None:
    scenario, seen = wakes(0.7, 0.8)

    report = cancel_everywhere(scenario, backend=backend, faults=["scope"], orders=20, lateness=0.1)

    report.check()
    assert ((0.8, 0.8), (0.7, 0.8)) in seen
    assert "timers up to 0.1 s late" in str(report)


def test_who_waits_for_all_others_to_wait_does_so_where_timers_are_late() -> None:
    async def scenario() -> None:
        async def sleeper(delay: float) -> None:
            await anyio.sleep(delay)
            woken = anyio.current_time()
            await anyio.wait_all_tasks_blocked()
            assert anyio.current_time() == woken

        async with anyio.create_task_group() as tg:
            for delay in (1, 1.1, 1.2):
                tg.start_soon(sleeper, delay)

    explore(scenario, backend="trio", schedules=100, lateness=0.2).check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_who_sleeps_for_ever_is_not_woken_however_late_timers_are(backend: str) -> None:
    async def scenario() -> None:
        with anyio.move_on_after(5) as limit:
            async with anyio.create_task_group() as tg:
                tg.start_soon(anyio.sleep_forever)
                tg.start_soon(anyio.sleep, 1)
        assert limit.cancelled_caught
        assert anyio.current_time() < float("inf")

    explore(scenario, backend=backend, schedules=50, lateness=float("inf")).check()


@pytest.mark.parametrize("lateness", [-0.1, float("nan")])
def test_a_negative_lateness_is_refused(lateness: float) -> None:
    with pytest.raises(ValueError, match=f"lateness must be >= 0 seconds, not {lateness}"):
        explore(users_meet_only_if_late, lateness=lateness)
    with pytest.raises(ValueError, match=f"lateness must be >= 0 seconds, not {lateness}"):
        cancel_everywhere(users_meet_only_if_late, lateness=lateness, orders=2)
    with pytest.raises(ValueError, match=f"lateness must be >= 0 seconds, not {lateness}"):
        replay(users_meet_only_if_late, f"asyncio+late={lateness}/random-1")


def test_a_lateness_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="lateness must be a number of seconds, not '1'"):
        explore(users_meet_only_if_late, lateness="1")  # type: ignore[arg-type]


def test_a_lateness_of_no_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="lateness needs another order than fifo"):
        explore(users_meet_only_if_late, order="fifo", lateness=1)
    with pytest.raises(ValueError, match="lateness needs orders >= 2"):
        cancel_everywhere(users_meet_only_if_late, lateness=1)
