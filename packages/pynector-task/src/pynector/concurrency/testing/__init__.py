"""Schedules under control: run a scenario under many orders of its tasks, and cancel it at every step."""

from ._cancel import cancel_everywhere
from ._explore import explore
from ._failure import Failure
from ._loop import ControlledLoop, Stuck
from ._replay import replay
from ._report import Report
from ._run import invariant

__all__ = [
    "ControlledLoop",
    "Failure",
    "Report",
    "Stuck",
    "cancel_everywhere",
    "explore",
    "invariant",
    "replay",
]
