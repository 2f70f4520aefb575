"""Pools, bounded maps, retries and workers: patterns made of tasks, scopes and primitives."""

from ._circuit_open import CircuitOpenError
from ._parallel_requests import parallel_requests
from ._pool import (
    ConnectionPool,
    Lease,
    PoolError,
    PoolEvent,
    PoolEventKind,
    PoolFactoryError,
    PoolFullError,
    PoolLimits,
    PoolStatistics,
    PoolTimeoutError,
    PoolWatch,
)
from ._retry.budget import RetryBudget
from ._retry.failed_attempt import FailedAttempt
from ._retry.pause import retry_pauses_off
from ._retry.policy import RetryPolicy
from ._retry.with_timeout import retry_with_timeout
from ._worker_pool import WorkerPool
from ._workers.item_handle import ItemHandle, ItemStatus
from ._workers.statistics import WorkerPoolStatistics

__all__ = [
    "CircuitOpenError",
    "ConnectionPool",
    "FailedAttempt",
    "ItemHandle",
    "ItemStatus",
    "Lease",
    "PoolError",
    "PoolEvent",
    "PoolEventKind",
    "PoolFactoryError",
    "PoolFullError",
    "PoolLimits",
    "PoolStatistics",
    "PoolTimeoutError",
    "PoolWatch",
    "RetryBudget",
    "RetryPolicy",
    "WorkerPool",
    "WorkerPoolStatistics",
    "parallel_requests",
    "retry_pauses_off",
    "retry_with_timeout",
]
