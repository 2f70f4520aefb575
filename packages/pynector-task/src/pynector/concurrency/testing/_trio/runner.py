"""A run on trio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from math import inf, nextafter
from types import coroutine as make_awaitable
from typing import Any

import outcome
import trio

from .._report.checks import record_outcome
from .._report.stack import frames
from .._schedule.run import Run
from .._schedule.schedule import Fault
from .._schedule.task import INJECTED, ScenarioTask, scenario_name
from .clock import VirtualClock
from .scheduler import StepScheduler


def in_reach_of_scope(task: ScenarioTask) -> Any:
    """What *task* runs, in a scope that can be cancelled."""
    task.scope = trio.CancelScope()
    return _in_scope(task, task.scope)


async def _in_scope(task: ScenarioTask, scope: trio.CancelScope) -> Any:
    with scope:
        result = await _watched(task, scope, task.coroutine)
        task.swallowed = task.saw_fault
        return result


@make_awaitable
def _watched(
    task: ScenarioTask, scope: trio.CancelScope, coroutine: Coroutine[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """Await *coroutine*, and notice when the cancellation of *scope*, and no other, reaches it."""
    value: Any = None
    while True:
        try:
            message = coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        reaches = _reaches_here(scope)
        value = yield message
        error = value.error if isinstance(value, outcome.Error) else None
        if scope.cancel_called and isinstance(error, trio.Cancelled):
            # Of a deadline inside that came first, the reason is another; without a shield it is passed on.
            task.saw_fault |= reaches or error.reason == INJECTED


def _reaches_here(scope: trio.CancelScope) -> bool:
    """Whether no shield stands between a scope that is not cancelled yet and the wait that begins now."""
    if scope.cancel_called:
        return False
    before = trio.current_effective_deadline()
    scope.deadline = nextafter(trio.current_time(), inf)
    try:
        return trio.current_effective_deadline() != before
    finally:
        scope.deadline = inf


async def in_reach_of_interrupts(task: ScenarioTask) -> Any:
    """Await what *task* runs, so that `interrupt` can be injected."""
    result = await _interruptible(task, task.coroutine)
    task.swallowed = task.saw_fault
    return result


def interrupt(task: ScenarioTask) -> bool:
    """Raise `KeyboardInterrupt` in *task* where it waits, or waits next; tell whether that could be done."""
    if _waits_in_start(task):
        return False  # in a nursery of trio's own, which bears nothing but what is started there
    nursery = _waiting_nursery(task)
    if nursery is not None:
        nursery.start_soon(_interrupt_nursery, task, name=KeyboardInterrupt.__name__)
        return True
    task.interrupted = True
    if task.scope is not None:
        task.scope.cancel()
    return True


@make_awaitable
def _interruptible(task: ScenarioTask, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    value: Any = None
    while True:
        try:
            message = coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        # Around this wait only, so that it is the only one that is cancelled.
        with trio.CancelScope() as task.scope:
            if task.interrupted:
                task.scope.cancel()
            value = yield message
        if task.interrupted and isinstance(value, outcome.Error) and isinstance(value.error, trio.Cancelled):
            task.interrupted, task.saw_fault = False, True
            value = outcome.Error(KeyboardInterrupt())


def _waits_in_start(task: ScenarioTask) -> bool:
    return any(frame.f_code is trio.Nursery.start.__code__ for frame in frames(task.coroutine))


def _waiting_nursery(task: ScenarioTask) -> trio.Nursery | None:
    """The nursery in which *task* waits for children, if it does."""
    nurseries: list[trio.Nursery] = task.native.child_nurseries
    for nursery in nurseries[-1:]:
        waits = any(frame.f_locals.get("self") is nursery for frame in frames(task.coroutine))
        if waits and nursery.child_tasks:
            return nursery
    return None


async def _interrupt_nursery(task: ScenarioTask) -> None:
    task.saw_fault = True
    raise KeyboardInterrupt


def run_on_trio(scenario: Callable[[], Coroutine[Any, Any, object]], run: Run) -> None:
    """Run *scenario* once, as the schedule of *run* says; the run keeps what was found."""
    _TrioRun(scenario, run).go()


class _TrioRun:
    def __init__(self, scenario: Callable[[], Coroutine[Any, Any, object]], run: Run) -> None:
        self._scenario = scenario
        self._run = run
        self._scheduler = StepScheduler(run, self._wrap)
        self._error: BaseException | None = None
        run.inject = _inject

    def go(self) -> None:
        try:
            trio.run(self._main, clock=VirtualClock(self._scheduler, self._stuck))
        except Exception:
            if not self._scheduler.abandoned:  # a task that is dropped leaves nurseries and scopes open
                raise
        if self._scheduler.broken is not None:
            raise self._scheduler.broken
        record_outcome(self._run, self._error, trio.Cancelled)
        self._run.forget_tasks()

    async def _main(self) -> None:
        await trio.lowlevel.checkpoint()  # let trio's own tasks take their first step
        trio.lowlevel.add_instrument(self._scheduler)
        with self._scheduler.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._scenario, name=scenario_name(self._scenario))
        if not self._run.over and self._scheduler.holds_tasks:
            # A task that needs no more than a few steps to end was not left behind.
            await self._scheduler.settle()
            self._run.note_alive(self._scheduler.alive())

    def _wrap(self, task: ScenarioTask) -> Any:
        body = self._exposed(task)
        return body if task.number else self._root(body)

    def _exposed(self, task: ScenarioTask) -> Any:
        """What *task* runs, within reach of a fault."""
        if self._run.is_victim(task, "interrupt"):
            return in_reach_of_interrupts(task)
        if self._run.is_victim(task, "scope"):
            return in_reach_of_scope(task)
        return task.coroutine

    async def _root(self, body: Coroutine[Any, Any, object]) -> None:
        try:
            await body
        except BaseException as error:
            if not self._run.over:
                self._error = error

    def _stuck(self) -> None:
        if not self._scheduler.stopping:
            self._run.stop("deadlock", "nothing is ready to run and no timer is left")
            self._scheduler.stop()
        else:
            self._scheduler.drop()


def _inject(fault: Fault, task: ScenarioTask) -> bool:
    if fault.kind == "interrupt":
        return interrupt(task)
    assert task.scope is not None
    task.scope.cancel(INJECTED)
    return True
