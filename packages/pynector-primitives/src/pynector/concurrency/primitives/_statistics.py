"""AnyIO's description of a task."""

from dataclasses import dataclass
from typing import Any

import anyio

from pynector.concurrency.task.lowlevel import ParkedTask


def task_info(task: Any) -> anyio.TaskInfo | None:
    """Describe *task*, or give None if it is None or has ended."""
    if task is None:
        return None
    try:
        return next((info for info in anyio.get_running_tasks() if info.id == id(task)), None)
    except anyio.NoEventLoopError:
        return None


@dataclass(frozen=True)
class EventStatistics(anyio.EventStatistics):
    """AnyIO's, and more.

    Attributes:
        waiters: The tasks that wait, in order of arrival.
    """

    waiters: tuple[ParkedTask, ...] = ()


@dataclass(frozen=True)
class LockStatistics(anyio.LockStatistics):
    """AnyIO's, and more.

    Attributes:
        waiters: The tasks that wait, in order of arrival.
    """

    waiters: tuple[ParkedTask, ...] = ()


@dataclass(frozen=True)
class SemaphoreStatistics(anyio.SemaphoreStatistics):
    """AnyIO's, and more.

    Attributes:
        waiters: The tasks that wait, in order of arrival.
    """

    waiters: tuple[ParkedTask, ...] = ()


@dataclass(frozen=True)
class CapacityLimiterStatistics(anyio.CapacityLimiterStatistics):
    """AnyIO's, and more.

    Attributes:
        waiters: The tasks that wait, in order of arrival.
    """

    waiters: tuple[ParkedTask, ...] = ()


@dataclass(frozen=True)
class ConditionStatistics(anyio.ConditionStatistics):
    """AnyIO's, and more.

    Attributes:
        waiters: The tasks that wait for a notification, in order of arrival.
    """

    waiters: tuple[ParkedTask, ...] = ()
