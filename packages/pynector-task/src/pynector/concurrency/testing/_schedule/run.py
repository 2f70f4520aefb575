"""One run of a scenario under one schedule: all that does not depend on the backend."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from sys import float_info
from typing import Any

from pynector.concurrency.task.lowlevel import leaves

from .._report.failure import GOES_ROUND, signature
from .._report.report import Trace
from .._report.stack import in_words, raised_at
from .chooser import Chooser, chooser_for
from .schedule import Fault, FaultKind, Schedule
from .task import ScenarioTask

# What a choice between being on time and being late goes by, as tasks go by their numbers.
_ON_TIME = -2

MAX_STEPS_AT_ONCE = 1_000_000
"""Steps without time passing, after which a run that has no other limit is livelocked."""

# Two times that should be the same may differ by so much, in seconds.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a run.

    Attributes:
        kind: In a word or two: `deadlock`, `livelock`, `invariant`, `exception`, `leaked task`, ...
        text: What happened, in a line.
        waiting: The tasks that were alive, each with the line on which it waited.
        raised: The lines that raised, if something was raised.
        error: What was raised, if anything was.
    """

    kind: str
    text: str
    waiting: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    error: BaseException | None = None

    @property
    def signature(self) -> str:
        """What findings of the same sort have in common."""
        return signature(self.kind, self.text, self.waiting)


class Run:
    """Counts the steps of a run, keeps its tasks, injects its faults, and stops it when it goes wrong."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        max_steps: int | None = None,
        max_steps_at_once: int | None = None,
        trace: Trace | None = None,
        record: bool = False,
    ) -> None:
        self.schedule = schedule
        self.tasks: list[ScenarioTask] = []
        self.by_native: dict[Any, ScenarioTask] = {}
        self.steps: int = 0
        self.finding: Finding | None = None
        self.fired: list[Fault] = []
        self.injected_unstarted: bool = False  # a task was cancelled natively before its first step
        self.has_threads: bool = False  # another thread has called in, or was waited for
        self.alive: list[ScenarioTask] = []  # when the scenario had ended
        self._lines_of_alive: tuple[str, ...] = ()
        self.loop_errors: list[str] | None = []  # about errors that reach nobody, unless they are logged
        self.invariants: list[Callable[[], object]] = []
        self.branches: list[tuple[int, int]] = []
        self.inject: Callable[[Fault, ScenarioTask], bool] = lambda fault, task: False
        self.fifo: bool = schedule.order == "fifo" and trace is None and not record
        self.lateness: float = 0.0 if self.fifo else schedule.lateness
        self._late_choices = 0
        self._chooser: Chooser = chooser_for(schedule.order)
        self._once_more: tuple[Fault, ScenarioTask] | None = None  # where the task waits next
        self._faults = sorted(schedule.faults, key=lambda fault: fault.step, reverse=True)
        self._max_steps = max_steps
        self._max_steps_at_once = max_steps_at_once  # without time passing
        self._last_step = max_steps_at_once
        self._trace = trace

    @property
    def over(self) -> bool:
        """Whether the run has been stopped."""
        return self.finding is not None

    def add_task(self, coroutine: Coroutine[Any, Any, Any], name: object) -> ScenarioTask:
        """Take note of a task that is about to be made."""
        known = getattr(coroutine, "__qualname__", "task") if name is None else name
        task = ScenarioTask(len(self.tasks), str(known), coroutine, self.steps)
        self.tasks.append(task)
        return task

    def is_victim(self, task: ScenarioTask, *kinds: str) -> bool:
        """Whether the schedule does one of *kinds* to *task*."""
        return any(fault.victim == task.number and fault.kind in kinds for fault in self.schedule.faults)

    def choose(self, ready: Sequence[int]) -> int:
        """Choose among two or more tasks that are ready."""
        chosen = self._chooser.choose(ready)
        self.branches.append((len(ready), chosen))
        return chosen

    def latest(self, due: float) -> float:
        """The time at which a timer that is due at *due* fires at the latest; what is never due does not."""
        return min(due + self.lateness + _ROUNDING, float_info.max)

    def is_late(self) -> bool:
        """Choose whether timers that are due wait for those that are due next."""
        self._late_choices += 1
        return self.choose((_ON_TIME, _ON_TIME - self._late_choices)) == 1

    def about_victim(self, fault: Fault) -> str:
        """Say why *fault*, which did not fire, met nobody."""
        if fault.victim >= len(self.tasks):
            return f"there was no task {fault.victim}, only {len(self.tasks)} in all"
        task = self.tasks[fault.victim]
        if fault.kind in task.spared:
            return f"{fault.kind} cannot be injected into {task}"
        if fault.step < task.born:
            return f"{task} was made at step {task.born}"
        if task.ended is not None:
            return f"{task} had ended after step {task.ended} of {self.steps}"
        return f"{task} could not be reached after step {fault.step} of {self.steps}"

    def fired_kind(self, kind: FaultKind) -> bool:
        """Whether a fault of this kind has been injected."""
        return any(fault.kind == kind for fault in self.fired)

    @property
    def names_of_targets(self) -> list[str]:
        """The names of the tasks that faults have been injected into."""
        return [self.tasks[fault.victim].name for fault in self.fired]

    def forget_tasks(self) -> None:
        """Let go of the backend's tasks: what they complain about on their way out is heard in time."""
        self.note_ends()
        self.by_native.clear()
        for task in self.tasks:
            task.forget()

    def end_step(self, task: ScenarioTask | None) -> None:
        """A step is over: count it, inject what is due, check what must hold."""
        self.steps += 1
        if task is not None:
            task.last_step = self.steps
        if self._trace is not None:
            self._write_step(self._trace, task)
        if self._once_more is not None and self._once_more[1] is task:
            self._inject_again(*self._once_more)
        while self._faults and self._faults[-1].step <= self.steps:
            self._inject(self._faults.pop())
        for invariant in self.invariants:
            self._check(invariant)
        if self.steps == self._max_steps:
            self.stop("livelock", f"no end after {self.steps} steps")
        elif self.steps == self._last_step:
            self.time_passes()  # for those that clean up
            self.stop("livelock", f"{self._max_steps_at_once:,} steps, and no time has passed")

    def time_passes(self) -> None:
        """The clock goes on."""
        if self._max_steps_at_once is not None:
            self._last_step = self.steps + self._max_steps_at_once

    def stop(self, kind: str, text: str, error: BaseException | None = None) -> None:
        """Something is wrong: the first finding is kept, and the run is over."""
        if self.finding is None:
            places = tuple(map(raised_at, leaves(error))) if error is not None else ()
            waiting = self._lines_of_alive or self.waiting(kind)
            self.finding = Finding(kind, text, waiting, places, error)

    def note_alive(self, tasks: list[ScenarioTask]) -> None:
        """Take note of the tasks that have outlived the scenario, and of where they wait."""
        self.alive = tasks
        self._lines_of_alive = self.waiting("leaked task")

    def waiting(self, kind: str) -> tuple[str, ...]:
        """The tasks that are alive, each with the line on which it waits, or which it has come to."""
        late = self.steps // 2 if kind == "livelock" else self.steps
        return tuple(
            f"{task} {GOES_ROUND if task.last_step > late else 'waits at'} {task.where()}"
            for task in self.tasks
            if not task.has_ended
        )

    def note_ends(self) -> None:
        """Take note of the tasks that have ended since."""
        for task in self.tasks:
            if task.ended is None and task.has_ended:
                task.ended = self.steps

    def _inject(self, fault: Fault) -> None:
        if fault.victim >= len(self.tasks):
            return
        task = self.tasks[fault.victim]
        unstarted = task.is_new
        where = ""
        if self._trace is not None:
            where = "before its first step" if unstarted else f"at {task.where()}"
        if task.has_ended or fault.kind in task.spared or (unstarted and fault.kind == "interrupt"):
            return
        if not self.inject(fault, task):
            return
        # asyncio does not even start it then, nor what it was to await; AnyIO's own tasks are such a pair.
        self.injected_unstarted |= unstarted and fault.kind != "scope"
        task.injected = True
        self.fired.append(fault)
        if fault.kind == "again":
            self._once_more = fault, task
        self._record_injection(f"{fault.kind} injected into {task} {where}")

    def _inject_again(self, fault: Fault, task: ScenarioTask) -> None:
        self._once_more = None
        where = task.where() if self._trace is not None else ""
        if not task.has_ended and self.inject(fault, task):
            self._record_injection(f"{fault.kind} injected once more into {task} at {where}")

    def _record_injection(self, line: str) -> None:
        if self._trace is not None:
            self._trace.victims.append(line)
            self._trace.add(self.steps, f"** {line}")

    def _check(self, invariant: Callable[[], object]) -> None:
        try:
            broken = invariant() is False
        except Exception as error:
            self.stop("invariant", in_words(error), error)
        else:
            if broken:
                self.stop("invariant", f"{getattr(invariant, '__name__', invariant)} is false")

    def _write_step(self, trace: Trace, task: ScenarioTask | None) -> None:
        self.note_ends()
        if task is None:
            return
        trace.add(self.steps, f"{task}  {'ends' if task.ended is not None else task.where(innermost=False)}")
