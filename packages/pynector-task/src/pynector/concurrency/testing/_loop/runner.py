"""A run on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from .._faults.injection import in_reach_of_interrupt, in_reach_of_scope
from .._report.checks import keep_for_ever, record_outcome
from .._report.stuck import Stuck
from .._schedule.run import Run
from .._schedule.schedule import Fault
from .._schedule.task import INJECTED, ScenarioTask, scenario_name
from .loop import ControlledLoop

_CLEANUP_STEPS = 1000


def run_on_asyncio(scenario: Callable[[], Coroutine[Any, Any, object]], run: Run) -> None:
    """Run *scenario* once, as the schedule of *run* says; the run keeps what was found."""
    loop = ControlledLoop()
    loop.obey(run, partial(_wrap, run))
    run.inject = _inject
    if run.schedule.eager:
        loop.start_eagerly()
    error: BaseException | None = None
    try:
        try:
            root = loop.create_task(scenario(), name=scenario_name(scenario))
            loop.run_until_complete(root)
        except Stuck:
            pass
        except KeyboardInterrupt:
            if not run.fired_kind("interrupt"):
                raise
            _end_all(loop, run)
            run.injected_unstarted = True
            error = _error_of(run.tasks[0].native)
        except BaseException as raised:
            error = raised
        if not run.over:
            _let_go(loop)
            run.note_alive([task for task in run.tasks if not task.native.done()])
            _find_swallowed(run)
        record_outcome(run, error, asyncio.CancelledError)
    finally:
        _clean_up(loop, run)


def _wrap(run: Run, task: ScenarioTask) -> Any:
    if run.is_victim(task, "interrupt"):
        return in_reach_of_interrupt(task)
    if run.is_victim(task, "scope", "both"):
        return in_reach_of_scope(task)
    return task.coroutine


def _inject(fault: Fault, task: ScenarioTask) -> bool:
    if task.native is None or task.native.done():
        return False
    if fault.kind in {"scope", "both"}:
        if task.scope is None:
            return False
        task.scope.cancel(INJECTED)
    if fault.kind in {"native", "twice", "again", "both", "interrupt"}:
        task.native.cancel()
    if fault.kind == "twice":
        task.native.cancel()
    if fault.kind == "interrupt":
        # The cancellation only wakes the task; what it sees is the interrupt.
        task.native.uncancel()
        task.interrupted = True
    return True


def _find_swallowed(run: Run) -> None:
    for task in run.tasks:
        native: asyncio.Task[Any] = task.native
        if run.is_victim(task, "native", "twice", "again") and task.injected and native.done():
            ended_well = not native.cancelled() and _error_of(native) is None
            task.swallowed = ended_well and native.cancelling() > 0


def _error_of(native: asyncio.Task[Any]) -> BaseException | None:
    return native.exception() if native.done() and not native.cancelled() else None


def _end_all(loop: ControlledLoop, run: Run) -> None:
    """As `asyncio.Runner` does when it is interrupted: cancel every task, and wait for it."""
    while tasks := [task.native for task in run.tasks if not task.native.done()]:
        for native in tasks:
            native.cancel()
        try:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        except (KeyboardInterrupt, SystemExit):
            continue  # a task group has raised its child's again, and has ended
        except Stuck:
            pass
        return


def _let_go(loop: ControlledLoop) -> None:
    # A task that needs no more than a few steps to end was not left behind.
    try:
        loop.run_ready()
    except Stuck:
        pass


def _clean_up(loop: ControlledLoop, run: Run) -> None:
    after = Run(run.schedule.without_faults(), max_steps=_CLEANUP_STEPS)
    after.loop_errors = run.loop_errors
    loop.obey(after)
    _end_all(loop, run)
    for task in run.tasks:
        if not task.native.done():
            keep_for_ever(task.native.get_coro())
    if loop.has_generators:
        try:
            loop.run_until_complete(loop.shutdown_asyncgens())
        except Stuck:
            pass
    loop.close()
    run.forget_tasks()
