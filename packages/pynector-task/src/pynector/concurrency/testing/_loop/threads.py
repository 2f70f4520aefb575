"""Other threads, which a run does not control, but waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from .._report.stack import frames
from .._schedule.task import ScenarioTask

# The functions of AnyIO and trio that wait for a worker thread.
_WAIT_FOR_THREAD = frozenset({"run_sync_in_worker_thread", "to_thread_run_sync"})


class ThreadWatch:
    """Returns how long to wait for other threads, before time passes or a deadlock is declared."""

    __slots__ = ("_known", "busy")

    def __init__(self) -> None:
        self._known = frozenset(threading.enumerate())
        self.busy = 0  # calls that an executor has not answered

    def patience(self, tasks: Iterable[ScenarioTask]) -> float:
        """Real seconds: long if a task waits for a thread, short if one that is new may call in."""
        if self.busy or waits_in(tasks, _WAIT_FOR_THREAD):
            return 10.0
        return 0.0 if self._known.issuperset(threading.enumerate()) else 0.05


def waits_in(tasks: Iterable[ScenarioTask], functions: Iterable[str]) -> bool:
    """Whether a task is suspended in one of *functions*."""
    return any(
        frame.f_code.co_name in functions
        for task in tasks
        if task.coroutine is not None
        for frame in frames(task.coroutine)
    )
