"""Pools, bounded maps, retries and workers: patterns made of tasks, scopes and primitives."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._breaker.circuit import CircuitOpenError, CircuitState
    from ._breaker.circuit_breaker import CircuitBreaker, CircuitStatistics
    from ._concurrent_map import concurrent_map
    from ._hedge import hedge
    from ._map.progress import MapProgress, Outcome
    from ._map.stream import MapStream
    from ._parallel_requests import parallel_requests
    from ._pool.connection_pool import ConnectionPool
    from ._pool.errors import PoolError, PoolFactoryError, PoolFullError, PoolTimeoutError
    from ._pool.keyed_connection_pool import KeyedConnectionPool
    from ._pool.lease import Lease
    from ._pool.monitoring import PoolEvent, PoolEventKind, PoolStatistics, PoolWatch
    from ._pool.options import PoolLimits
    from ._retry.attempts import RetryAttempt, RetryAttempts
    from ._retry.budget import RetryBudget
    from ._retry.failures import FailedAttempt, retry_pauses_off
    from ._retry.policy import RetryPolicy, retry_with_timeout
    from ._workers.handle import ItemHandle, ItemStatus
    from ._workers.pool import WorkerPool
    from ._workers.statistics import WorkerPoolStatistics
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "CircuitBreaker": "_breaker.circuit_breaker",
            "CircuitOpenError": "_breaker.circuit",
            "CircuitState": "_breaker.circuit",
            "CircuitStatistics": "_breaker.circuit_breaker",
            "ConnectionPool": "_pool.connection_pool",
            "FailedAttempt": "_retry.failures",
            "ItemHandle": "_workers.handle",
            "ItemStatus": "_workers.handle",
            "KeyedConnectionPool": "_pool.keyed_connection_pool",
            "Lease": "_pool.lease",
            "MapProgress": "_map.progress",
            "MapStream": "_map.stream",
            "Outcome": "_map.progress",
            "PoolError": "_pool.errors",
            "PoolEvent": "_pool.monitoring",
            "PoolEventKind": "_pool.monitoring",
            "PoolFactoryError": "_pool.errors",
            "PoolFullError": "_pool.errors",
            "PoolLimits": "_pool.options",
            "PoolStatistics": "_pool.monitoring",
            "PoolTimeoutError": "_pool.errors",
            "PoolWatch": "_pool.monitoring",
            "RetryAttempt": "_retry.attempts",
            "RetryAttempts": "_retry.attempts",
            "RetryBudget": "_retry.budget",
            "RetryPolicy": "_retry.policy",
            "WorkerPool": "_workers.pool",
            "WorkerPoolStatistics": "_workers.statistics",
            "concurrent_map": "_concurrent_map",
            "hedge": "_hedge",
            "parallel_requests": "_parallel_requests",
            "retry_pauses_off": "_retry.failures",
            "retry_with_timeout": "_retry.policy",
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
