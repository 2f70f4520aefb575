"""What the primitives tell of themselves: AnyIO's statistics, and who waits."""

from dataclasses import dataclass

import anyio

from pynector.concurrency.task.lowlevel import ParkedTask


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
