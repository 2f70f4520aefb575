"""Running schedule after schedule of one scenario, and keeping what fails."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from time import perf_counter
from typing import Any, TypeAlias

from pynector.concurrency.task.lowlevel import OPERATIONS_PER_CHECKPOINT, start_budget

from .._loop.runner import run_on_asyncio
from .._loop.watchdog import Watchdog
from .._refusals import refuse_in_a_loop, refuse_what_is_no_scenario, refuse_wrong_backend
from .._report.checks import collect_young_garbage, never_awaited, only_young_garbage
from .._report.failure import NOT_DETERMINISTIC, Failure
from .._report.report import Report, Trace
from .chooser import operations_left
from .invariant import current_run
from .run import Run
from .schedule import Schedule
from .shrink import shorten
from .task import scenario_name

_NO_CHOICE = (1, 0)  # one was ready, the first was taken


def difference(first: Run, second: Run) -> str:
    """Say in words how two runs differ; nothing, if they do not.

    Where other threads call in, steps depend on these, and are not compared.
    """
    if first.has_threads or second.has_threads:
        return ""
    parts: list[str] = []
    if first.steps != second.steps:
        parts.append(f"{first.steps} steps, then {second.steps}")
    if _signature(first) != _signature(second):
        parts.append(f"{_outcome(first)}, then {_outcome(second)}")
    if not parts and first.branches != second.branches:
        pairs = zip_longest(first.branches, second.branches, fillvalue=_NO_CHOICE)
        choice, (one, other) = next((n, pair) for n, pair in enumerate(pairs) if pair[0] != pair[1])
        parts.append(f"{one[0]} ready at choice {choice}, then {other[0]}")
    return "; ".join(parts)


def _signature(run: Run) -> str:
    return "" if run.finding is None else run.finding.signature


def _outcome(run: Run) -> str:
    return "no failure" if run.finding is None else f"{run.finding.kind} ({run.finding.text})"


_USUAL_CAUSES = (
    "usual causes are a fixture or a global that keeps what the first run left in it,"
    " random numbers that do not come from `random` itself, real time, and the order of addresses in a set"
)

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


class Session:
    """Runs schedules of one scenario, and writes its report."""

    def __init__(self, scenario: Scenario, *, max_steps: int, max_failures: int) -> None:
        refuse_what_is_no_scenario(scenario)
        self.scenario = scenario
        self.report = Report(scenario_name(scenario))
        self._max_steps = max_steps
        self._max_failures = max_failures
        self._failing = 0
        self._by_signature: dict[str, tuple[Schedule, Failure]] = {}
        self._warnings: list[str] = []
        self._watchdog = Watchdog()

    @contextmanager
    def open(self) -> Generator[None]:
        """Schedules may be run inside; on leaving, failures are made shorter and the report is complete."""
        refuse_in_a_loop()
        began = perf_counter()
        with only_young_garbage(), _random_numbers_kept(), never_awaited() as self._warnings, self._watchdog:
            yield
            for schedule, failure in self._by_signature.values():
                self.report.failures.append(self._explain(schedule, failure))
        self.report.seconds = perf_counter() - began

    def stops_early(self) -> bool:
        """Whether so many schedules have failed that the next one is not run."""
        full = self._failing >= self._max_failures
        self.report.stopped_after = self._failing if full else 0
        return full

    def run(
        self, schedule: Schedule, *, trace: Trace | None = None, record: bool = False, twice: bool = False
    ) -> Run:
        """Run one schedule and take it into the report.

        Args:
            schedule: Says what is done.
            trace: Is written, if given.
            record: Keep all choices, also in the stock order.
            twice: Do it again, to see whether it does the same.
        """
        run = self.attempt(schedule, trace=trace, record=record or twice)
        self.report.schedules += 1
        self.report.steps += run.steps
        for fault in run.fired:
            self.report.fired[fault.kind] = self.report.fired.get(fault.kind, 0) + 1
        if run.finding is not None:
            self._keep(schedule, run)
        if twice:
            self._compare(run, self.attempt(schedule, record=True))
        return run

    def _compare(self, first: Run, second: Run) -> None:
        told = difference(first, second)
        if told:
            self.report.failures.append(
                Failure(
                    kind=NOT_DETERMINISTIC,
                    text=f"the same schedule went two ways: {told}; {_USUAL_CAUSES}",
                    token=first.schedule.token,
                    step=first.steps,
                    scenario=self.report.scenario,
                    repeatable=False,
                )
            )

    def attempt(self, schedule: Schedule, *, trace: Trace | None = None, record: bool = False) -> Run:
        """Run one schedule."""
        run = Run(schedule, max_steps=self._max_steps, trace=trace, record=record)
        # What ran before must not decide when the first checkpoint of a fast path is due.
        start_budget(operations_left(schedule.numbers, OPERATIONS_PER_CHECKPOINT))
        random.seed(schedule.numbers or 0)
        token = current_run.set(run)
        try:
            with self._watchdog.watching(run):
                runner_for(schedule)(self.scenario, run)
        finally:
            current_run.reset(token)
        collect_young_garbage()
        self._watchdog.check()
        if not run.injected_unstarted:
            for warning in self._warnings:
                run.stop("never awaited", warning)
        for text in run.loop_errors or ():
            run.stop("unhandled error", text)
        self._warnings.clear()
        return run

    def _keep(self, schedule: Schedule, run: Run) -> None:
        self._failing += 1
        failure = _failure(self.report.scenario, schedule, run)
        if failure.signature not in self._by_signature:
            self._by_signature[failure.signature] = schedule, failure
            return
        _, known = self._by_signature[failure.signature]
        known.count += 1
        if failure.step < known.step:
            shorter = replace(failure, seed=known.seed, count=known.count)
            self._by_signature[failure.signature] = schedule, shorter

    def _explain(self, schedule: Schedule, failure: Failure) -> Failure:
        run = self.attempt(schedule, record=True)
        targets = run.names_of_targets
        shortest = shorten(schedule, run.branches, lambda shorter: self._is_like(failure, targets, shorter))
        trace = Trace()
        run = self.attempt(shortest, trace=trace)
        if run.finding is None:
            return replace(failure, repeatable=False)
        explained = _failure(self.report.scenario, shortest, run, trace)
        return replace(explained, seed=failure.seed, count=failure.count)

    def _is_like(self, failure: Failure, targets: list[str], schedule: Schedule) -> bool:
        run = self.attempt(schedule)
        if run.finding is None or run.finding.signature != failure.signature:
            return False
        return run.names_of_targets == targets  # in another order, another task may have the victim's number


@contextmanager
def _random_numbers_kept() -> Generator[None]:
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def runner_for(schedule: Schedule) -> Callable[[Scenario, Run], None]:
    """What runs a schedule."""
    refuse_wrong_backend(schedule.backend, eager=schedule.eager)
    if schedule.backend == "asyncio":
        return run_on_asyncio
    from .._trio.runner import run_on_trio  # imported only where trio runs

    return run_on_trio


def _failure(scenario: str, schedule: Schedule, run: Run, trace: Trace | None = None) -> Failure:
    finding = run.finding
    assert finding is not None
    return Failure(
        kind=finding.kind,
        text=finding.text,
        token=schedule.token,
        seed=schedule.token,
        step=run.steps,
        injected=tuple(trace.victims) if trace else (),
        raised=tuple(filter(None, finding.raised)),
        waiting=finding.waiting,
        trace=tuple(trace.lines) if trace else (),
        scenario=scenario,
        error=finding.error,
    )
