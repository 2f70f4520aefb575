"""A run on trio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import trio

from ._clock import VirtualClock
from ._gate import Gate
from ._interrupt_on_trio import in_reach_of_interrupts, interrupt
from ._judge import judge
from ._run import Run
from ._schedule import Fault
from ._scope_on_trio import in_reach_of_scope
from ._task import STRIKE, ScenarioTask, scenario_name


def run_on_trio(scenario: Callable[[], Coroutine[Any, Any, object]], run: Run) -> None:
    """Run *scenario* once, as the schedule of *run* says; the run keeps what was found."""
    _TrioRun(scenario, run).go()


class _TrioRun:
    def __init__(self, scenario: Callable[[], Coroutine[Any, Any, object]], run: Run) -> None:
        self._scenario = scenario
        self._run = run
        self._gate = Gate(run, self._wrap)
        self._error: BaseException | None = None
        run.strike = _strike

    def go(self) -> None:
        try:
            trio.run(self._main, clock=VirtualClock(self._gate, self._stuck))
        except Exception:
            if not self._gate.abandoned:  # a task that is dropped leaves nurseries and scopes open
                raise
        if self._gate.broken is not None:
            raise self._gate.broken
        judge(self._run, self._error, trio.Cancelled)
        self._run.forget_tasks()

    async def _main(self) -> None:
        await trio.lowlevel.checkpoint()  # let trio's own tasks take their first step
        trio.lowlevel.add_instrument(self._gate)
        with self._gate.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._scenario, name=scenario_name(self._scenario))
        if not self._run.over and self._gate.holds_tasks:
            # A task that needs no more than a few steps to end was not left behind.
            await self._gate.settle()
            self._run.note_alive(self._gate.alive())

    def _wrap(self, task: ScenarioTask) -> Any:
        body = self._exposed(task)
        return body if task.number else self._root(body)

    def _exposed(self, task: ScenarioTask) -> Any:
        """What *task* runs, within reach of what is to strike it."""
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
        if not self._gate.stopping:
            self._run.stop("deadlock", "nothing is ready to run and no timer is left")
            self._gate.stop()
        else:
            self._gate.drop()


def _strike(fault: Fault, task: ScenarioTask) -> bool:
    if fault.kind == "interrupt":
        return interrupt(task)
    assert task.scope is not None
    task.scope.cancel(STRIKE)
    return True
