"""Locks, semaphores, limiters, events, conditions and queues for tasks."""

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
