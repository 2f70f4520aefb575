"""Pools, bounded maps, retries and workers: patterns made of tasks, scopes and primitives."""

from ._breaker.circuit import CircuitState
from ._breaker.circuit_breaker import CircuitBreaker, CircuitStatistics
from ._breaker.circuit_open import CircuitOpenError
from ._concurrent_map import concurrent_map
from ._hedge import hedge
from ._map.map_stream import MapStream
from ._map.outcome import Outcome
from ._map.progress import MapProgress
from ._parallel_requests import parallel_requests
from ._pool import (
    ConnectionPool,
    KeyedConnectionPool,
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
from ._retry.attempts import RetryAttempt, RetryAttempts
from ._retry.budget import RetryBudget
from ._retry.failed_attempt import FailedAttempt
from ._retry.pause import retry_pauses_off
from ._retry.policy import RetryPolicy
from ._retry.with_timeout import retry_with_timeout
from ._worker_pool import WorkerPool
from ._workers.item_handle import ItemHandle, ItemStatus
from ._workers.statistics import WorkerPoolStatistics

__all__ = [
    "CircuitBreaker",
    "CircuitOpenError",
    "CircuitState",
    "CircuitStatistics",
    "ConnectionPool",
    "FailedAttempt",
    "ItemHandle",
    "ItemStatus",
    "KeyedConnectionPool",
    "Lease",
    "MapProgress",
    "MapStream",
    "Outcome",
    "PoolError",
    "PoolEvent",
    "PoolEventKind",
    "PoolFactoryError",
    "PoolFullError",
    "PoolLimits",
    "PoolStatistics",
    "PoolTimeoutError",
    "PoolWatch",
    "RetryAttempt",
    "RetryAttempts",
    "RetryBudget",
    "RetryPolicy",
    "WorkerPool",
    "WorkerPoolStatistics",
    "concurrent_map",
    "hedge",
    "parallel_requests",
    "retry_pauses_off",
    "retry_with_timeout",
]
