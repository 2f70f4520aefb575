"""Time on trio."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import trio

from .scheduler import StepScheduler


class VirtualClock(trio.abc.Clock):
    """Time that jumps to the next deadline as soon as no task can go on.

    Args:
        scheduler: Knows whether a task has taken a step since.
        stuck: Called when no task can go on and no deadline is left.
    """

    def __init__(self, scheduler: StepScheduler, stuck: Callable[[], None]) -> None:
        self._now = 0.0
        self._scheduler = scheduler
        self._stuck = stuck
        self._polled = -1

    def start_clock(self) -> None:
        pass

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Called when no task is ready."""
        scheduler = self._scheduler
        if not scheduler.holds_tasks or scheduler.holds_idlers:
            return 1.0  # trio's own tasks are about to end; or those that wait for this are woken at once
        if self._polled != scheduler.trio_steps:
            self._polled = scheduler.trio_steps
            return scheduler.patience()  # another thread, or trio's own task, may have something to say
        if scheduler.holds_line:
            if scheduler.is_late(deadline):
                self._now = max(self._now, deadline)
        elif deadline == inf:
            self._stuck()
        else:
            self._now = max(self._now, deadline)
            scheduler.may_be_late(self._now)
        return 0.0
