"""Time on trio."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import trio

from .gate import Gate


class VirtualClock(trio.abc.Clock):
    """Time that jumps to the next deadline as soon as no task can go on.

    Args:
        gate: Knows whether a task has taken a step since.
        stuck: Called when no task can go on and no deadline is left.
    """

    def __init__(self, gate: Gate, stuck: Callable[[], None]) -> None:
        self._now = 0.0
        self._gate = gate
        self._stuck = stuck
        self._polled = -1

    def start_clock(self) -> None:
        pass

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Called when no task is ready."""
        gate = self._gate
        if not gate.holds_tasks or gate.holds_idlers:
            return 1.0  # trio's own tasks are about to end; or those that wait for this are woken at once
        if self._polled != gate.trio_steps:
            self._polled = gate.trio_steps
            return gate.patience()  # another thread, or trio's own task, may have something to say
        if gate.holds_line:
            if gate.is_late(deadline):
                self._now = max(self._now, deadline)
        elif deadline == inf:
            self._stuck()
        else:
            self._now = max(self._now, deadline)
            gate.may_be_late(self._now)
        return 0.0
