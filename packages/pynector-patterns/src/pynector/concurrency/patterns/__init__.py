"""Pools, bounded maps, retries and workers: patterns made of tasks, scopes and primitives."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._breaker.circuit import CircuitState
    from ._breaker.circuit_breaker import CircuitBreaker, CircuitStatistics
    from ._breaker.circuit_open import CircuitOpenError
    from ._concurrent_map import concurrent_map
    from ._hedge import hedge
    from ._map.map_stream import MapStream
    from ._map.outcome import Outcome
    from ._map.progress import MapProgress
    from ._parallel_requests import parallel_requests
    from ._pool.connection_pool import ConnectionPool
    from ._pool.errors import PoolError, PoolFactoryError, PoolFullError, PoolTimeoutError
    from ._pool.event import PoolEvent, PoolEventKind
    from ._pool.keyed_connection_pool import KeyedConnectionPool
    from ._pool.lease import Lease
    from ._pool.limits import PoolLimits
    from ._pool.statistics import PoolStatistics
    from ._pool.watch import PoolWatch
    from ._retry.attempts import RetryAttempt, RetryAttempts
    from ._retry.budget import RetryBudget
    from ._retry.failed_attempt import FailedAttempt
    from ._retry.pause import retry_pauses_off
    from ._retry.policy import RetryPolicy
    from ._retry.with_timeout import retry_with_timeout
    from ._workers.handle import ItemHandle, ItemStatus
    from ._workers.pool import WorkerPool
    from ._workers.statistics import WorkerPoolStatistics
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "CircuitBreaker": "_breaker.circuit_breaker",
            "CircuitOpenError": "_breaker.circuit_open",
            "CircuitState": "_breaker.circuit",
            "CircuitStatistics": "_breaker.circuit_breaker",
            "ConnectionPool": "_pool.connection_pool",
            "FailedAttempt": "_retry.failed_attempt",
            "ItemHandle": "_workers.handle",
            "ItemStatus": "_workers.handle",
            "KeyedConnectionPool": "_pool.keyed_connection_pool",
            "Lease": "_pool.lease",
            "MapProgress": "_map.progress",
            "MapStream": "_map.map_stream",
            "Outcome": "_map.outcome",
            "PoolError": "_pool.errors",
            "PoolEvent": "_pool.event",
            "PoolEventKind": "_pool.event",
            "PoolFactoryError": "_pool.errors",
            "PoolFullError": "_pool.errors",
            "PoolLimits": "_pool.limits",
            "PoolStatistics": "_pool.statistics",
            "PoolTimeoutError": "_pool.errors",
            "PoolWatch": "_pool.watch",
            "RetryAttempt": "_retry.attempts",
            "RetryAttempts": "_retry.attempts",
            "RetryBudget": "_retry.budget",
            "RetryPolicy": "_retry.policy",
            "WorkerPool": "_workers.pool",
            "WorkerPoolStatistics": "_workers.statistics",
            "concurrent_map": "_concurrent_map",
            "hedge": "_hedge",
            "parallel_requests": "_parallel_requests",
            "retry_pauses_off": "_retry.pause",
            "retry_with_timeout": "_retry.with_timeout",
        },
    )

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
