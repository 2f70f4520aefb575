"""Locks, semaphores, limiters, events, conditions and queues for tasks."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._capacity_limiter import CapacityLimiter
    from ._condition import Condition
    from ._event import Event
    from ._lock import Lock
    from ._priority_queue import PriorityQueue
    from ._queue import Queue, QueueStatistics
    from ._rate_limiter import RateLimiter, RateLimiterStatistics
    from ._semaphore import Semaphore
    from ._statistics import (
        CapacityLimiterStatistics,
        ConditionStatistics,
        EventStatistics,
        LockStatistics,
        SemaphoreStatistics,
    )
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "CapacityLimiter": "_capacity_limiter",
            "CapacityLimiterStatistics": "_statistics",
            "Condition": "_condition",
            "ConditionStatistics": "_statistics",
            "Event": "_event",
            "EventStatistics": "_statistics",
            "Lock": "_lock",
            "LockStatistics": "_statistics",
            "PriorityQueue": "_priority_queue",
            "Queue": "_queue",
            "QueueStatistics": "_queue",
            "RateLimiter": "_rate_limiter",
            "RateLimiterStatistics": "_rate_limiter",
            "Semaphore": "_semaphore",
            "SemaphoreStatistics": "_statistics",
        },
    )

__all__ = [
    "CapacityLimiter",
    "CapacityLimiterStatistics",
    "Condition",
    "ConditionStatistics",
    "Event",
    "EventStatistics",
    "Lock",
    "LockStatistics",
    "PriorityQueue",
    "Queue",
    "QueueStatistics",
    "RateLimiter",
    "RateLimiterStatistics",
    "Semaphore",
    "SemaphoreStatistics",
]
