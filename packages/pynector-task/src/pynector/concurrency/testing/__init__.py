"""Schedules under control: run a scenario under many orders of its tasks, and cancel it at every step."""

from ._blocked import wait_until_blocked
from ._cancel import cancel_everywhere
from ._explore import Order, explore
from ._failure import Failure
from ._leaks import assert_no_leaked_tasks
from ._loop import ControlledLoop
from ._replay import replay
from ._report import Report
from ._run import invariant
from ._schedule import FaultKind
from ._stuck import Stuck
from ._virtual_time import run_in_virtual_time

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
