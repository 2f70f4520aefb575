"""Who runs next on trio.

Trio promises no order, and gives no say in it. But an `Instrument` sees each task that is made before it
first runs, and may run another coroutine in its place: one that waits, whenever its task could go on, until
the scheduler lets it. Between two steps of the scenario trio itself only lines up tasks here. All of this is
trio's public interface.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Generator, Mapping
from types import CodeType
from types import coroutine as make_awaitable
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from .._loop.threads import ThreadWatch, waits_in
from .._report.checks import keep_for_ever
from .._report.stack import in_words, without_cancellations
from .._schedule.run import Run
from .._schedule.schedule import FaultKind
from .._schedule.task import SPARED_ALL, ScenarioTask

_TRIO = os.path.dirname(str(trio.__file__)) + os.sep
# Trio shields system tasks from Ctrl-C.
_SPARED_INTERRUPT: frozenset[FaultKind] = frozenset({"interrupt"})


def is_system_task(task: trio.lowlevel.Task) -> bool:
    """Whether *task* was started by `trio.lowlevel.spawn_system_task()`, or by trio itself."""
    nursery = task.parent_nursery
    return nursery is None or nursery.parent_task.parent_nursery is None


def spared_by_trio(system_task: trio.lowlevel.Task) -> frozenset[FaultKind]:
    """The kinds of fault that cannot be injected into a system task that has not begun yet."""
    code: CodeType | None = getattr(system_task.coro, "cr_code", None)
    of_trio = code is not None and code.co_filename.startswith(_TRIO)
    return SPARED_ALL if of_trio else _SPARED_INTERRUPT


def spared_by_parent(task: trio.lowlevel.Task, known: Mapping[Any, ScenarioTask]) -> frozenset[FaultKind]:
    """The kinds of fault that are not for a child of a system task: what it raised would end trio."""
    assert task.parent_nursery is not None
    parent = known.get(task.parent_nursery.parent_task)
    return frozenset[FaultKind]() if parent is None else parent.spared & _SPARED_INTERRUPT


_CLEANUP_STEPS = 1000


def _not_now(raise_cancel: object) -> trio.lowlevel.Abort:
    # A task at the scheduler has been woken already; what has come in between, it sees when it waits again.
    return trio.lowlevel.Abort.FAILED


class _Place:
    """The place of a task in the line."""

    __slots__ = ("active", "native", "task", "woken")

    def __init__(self, task: ScenarioTask, native: trio.lowlevel.Task, active: int) -> None:
        self.task = task
        self.native = native
        self.active = active
        self.woken = 0

    def order(self) -> tuple[int, int]:
        # Trio keeps tasks in sets, and breaks ties of deadlines by address. Those that were woken in the
        # same step are taken in the order in which they began to wait, which is the same in each run.
        return self.woken, self.active


class StepScheduler(trio.abc.Instrument):
    """Lets the tasks of a scenario take one step at a time."""

    def __init__(self, run: Run, wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]]) -> None:
        self.scope = trio.CancelScope()
        self.trio_steps = 0
        self._threads = ThreadWatch()
        self.broken: BaseException | None = None
        self._run = run
        self._wrap = wrap
        self._places: dict[trio.lowlevel.Task, _Place] = {}
        self._line: list[_Place] = []
        # Tasks that are about to take a step, or take one: the first is the one that adds this instrument.
        self._scheduled = 1
        self._granted: _Place | None = None
        self._latest: float | None = None  # while time may still go on: how far
        self._settling = False
        self._clock = 0
        self._cleanup_steps = 0

    @property
    def holds_tasks(self) -> bool:
        """Whether a task of the scenario is alive."""
        return bool(self._places)

    @property
    def holds_idlers(self) -> bool:
        """Whether a task waits for the moment in which no task can go on."""
        return self._settling or waits_in(self._run.tasks, {"wait_all_tasks_blocked"})

    async def settle(self) -> None:
        """Let the tasks that are left take the steps that they can take without time passing."""
        self._settling = True
        await wait_all_tasks_blocked()
        self._settling = False

    def patience(self) -> float:
        """Real seconds to wait for other threads."""
        seconds = self._threads.patience(self._run.tasks)
        self._run.has_threads |= seconds > 0
        return seconds

    def may_be_late(self, due: float) -> None:
        """Time jumps to *due*: if timers may be late, those that it wakes line up, but do not go on yet."""
        self._run.time_passes()
        if self._run.lateness and not self._cleanup_steps:
            self._latest = self._run.latest(due)

    @property
    def holds_line(self) -> bool:
        """Whether tasks have lined up for which time may still go on."""
        return self._latest is not None and bool(self._line)

    def is_late(self, due: float) -> bool:
        """Whether time goes on to *due* before those that have lined up; if not, one of them goes on."""
        if self._latest is not None and due <= self._latest and self._run.is_late():
            return True
        self._latest = None
        trio.lowlevel.reschedule(self._grant().native)
        return False

    @property
    def abandoned(self) -> bool:
        """Whether tasks that refuse to end are dropped."""
        return self._cleanup_steps > _CLEANUP_STEPS

    @property
    def stopping(self) -> bool:
        """Whether the run is being brought to its end."""
        return self._cleanup_steps > 0

    def alive(self) -> list[ScenarioTask]:
        """The tasks that have not ended."""
        return [place.task for place in self._places.values()]

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        known = self._run.add_task(task.coro, task.name)
        known.native = task
        self._clock += 1
        place = self._places[task] = _Place(known, task, self._clock)
        self._run.by_native[task] = known
        substitute: Any
        if is_system_task(task):
            known.spared = spared_by_trio(task)
            substitute = self._pass_system_task(place, self._wrap(known))
        else:
            known.spared = spared_by_parent(task, self._run.by_native)
            substitute = self._pass(place, self._wrap(known))
        task.coro = substitute

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        self._scheduled += 1
        place = self._places.get(task)
        if place is not None and place is not self._granted:
            place.woken = self._run.steps

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        self._places.pop(task, None)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        try:
            self._after_step(task)
        except BaseException as error:  # trio would log it and go on without the scheduler, for ever
            self.broken = self.broken or error
            self.stop()

    def _after_step(self, task: trio.lowlevel.Task) -> None:
        self._scheduled -= 1
        self.trio_steps += 1
        granted = self._granted
        if granted is not None and granted.native is task:
            self._granted = None
            self._clock += 1
            granted.active = self._clock
            self._end_step(granted.task)
        if not self._scheduled and self._line and self._latest is None:
            trio.lowlevel.reschedule(self._grant().native)

    def stop(self) -> None:
        """End the run: cancel what there is, and let it end."""
        self._cleanup_steps += 1
        self._latest = None
        self.scope.cancel()

    def drop(self) -> None:
        """Wake what still waits, to be dropped."""
        self._cleanup_steps = _CLEANUP_STEPS + 1
        for place in list(self._places.values()):
            trio.lowlevel.reschedule(place.native)

    def _end_step(self, task: ScenarioTask) -> None:
        if self._cleanup_steps:
            self._cleanup_steps += 1
            return
        self._run.end_step(task)
        if self._run.over:
            self.stop()

    def _is_next(self, last: _Place) -> bool:
        """The last that could line up has done so: choose; if it is chosen itself, it need not wait."""
        if self._grant() is last:
            return True
        assert self._granted is not None
        trio.lowlevel.reschedule(self._granted.native)
        return False

    def _grant(self) -> _Place:
        line = self._line
        position = 0
        if len(line) > 1:
            line.sort(key=_Place.order)
            if not self._run.fifo and not self._cleanup_steps:
                position = self._run.choose([place.task.number for place in line])
        self._granted = line.pop(position)
        return self._granted

    def _let_trio_go_first(self, place: _Place) -> Generator[Any, Any, None]:
        """Wait for trio's own tasks that were woken from outside since; trio tosses a coin about it."""
        while self._scheduled > 1 and not self.abandoned:
            self._granted = None  # it is no step of the scenario
            yield from trio.lowlevel.cancel_shielded_checkpoint().__await__()  # noqa: ASYNC105
            self._granted = place

    async def _pass(self, place: _Place, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await self._steps(place, coroutine)

    async def _pass_system_task(self, place: _Place, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            await self._steps(place, coroutine)
        except BaseException as error:
            rest = without_cancellations(error, trio.Cancelled)
            if not isinstance(rest, Exception):
                raise
            # Trio would call it an error of its own, and end.
            self._run.stop("unhandled error", f"{place.task} of trio ended with {in_words(rest)}", rest)
            self.stop()

    @make_awaitable
    def _steps(self, place: _Place, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        value: Any = None
        while True:
            self._line.append(place)
            if self._scheduled > 1 or self._latest is not None or not self._is_next(place):
                turn = trio.lowlevel.wait_task_rescheduled(_not_now)  # noqa: ASYNC105
                yield from turn.__await__()
                yield from self._let_trio_go_first(place)
            if self.abandoned:
                keep_for_ever(coroutine)
                return None
            try:
                message = coroutine.send(value)
            except StopIteration as stop:
                return stop.value
            value = yield message
