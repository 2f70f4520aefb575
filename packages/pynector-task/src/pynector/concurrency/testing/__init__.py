"""Schedules under control: run a scenario under many orders of its tasks, and cancel it at every step."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._faults.cancel import cancel_everywhere
    from ._loop.loop import ControlledLoop
    from ._report.failure import Failure
    from ._report.leaks import assert_no_leaked_tasks
    from ._report.report import Report
    from ._report.stuck import Stuck
    from ._schedule.explore import Order, explore
    from ._schedule.invariant import invariant
    from ._schedule.replay import replay
    from ._schedule.schedule import FaultKind
    from ._virtual_time import run_in_virtual_time, wait_until_blocked
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "ControlledLoop": "_loop.loop",
            "Failure": "_report.failure",
            "FaultKind": "_schedule.schedule",
            "Order": "_schedule.explore",
            "Report": "_report.report",
            "Stuck": "_report.stuck",
            "assert_no_leaked_tasks": "_report.leaks",
            "cancel_everywhere": "_faults.cancel",
            "explore": "_schedule.explore",
            "invariant": "_schedule.invariant",
            "replay": "_schedule.replay",
            "run_in_virtual_time": "_virtual_time",
            "wait_until_blocked": "_virtual_time",
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
