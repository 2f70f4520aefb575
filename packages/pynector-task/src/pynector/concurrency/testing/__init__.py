"""Schedules under control: run a scenario under many orders of its tasks, and cancel it at every step."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._blocked import wait_until_blocked
    from ._cancel import cancel_everywhere
    from ._explore import Order, explore
    from ._failure import Failure
    from ._invariant import invariant
    from ._leaks import assert_no_leaked_tasks
    from ._loop import ControlledLoop
    from ._replay import replay
    from ._report import Report
    from ._schedule import FaultKind
    from ._stuck import Stuck
    from ._virtual_time import run_in_virtual_time
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "ControlledLoop": "_loop",
            "Failure": "_failure",
            "FaultKind": "_schedule",
            "Order": "_explore",
            "Report": "_report",
            "Stuck": "_stuck",
            "assert_no_leaked_tasks": "_leaks",
            "cancel_everywhere": "_cancel",
            "explore": "_explore",
            "invariant": "_invariant",
            "replay": "_replay",
            "run_in_virtual_time": "_virtual_time",
            "wait_until_blocked": "_blocked",
        },
    )

__all__ = [
    "ControlledLoop",
    "Failure",
    "FaultKind",
    "Order",
    "Report",
    "Stuck",
    "assert_no_leaked_tasks",
    "cancel_everywhere",
    "explore",
    "invariant",
    "replay",
    "run_in_virtual_time",
    "wait_until_blocked",
]
