"""What goes wrong with a pool."""

from typing import Any

from .statistics import PoolStatistics


class PoolError(Exception):
    """A pool could not lend a connection. The last error of the factory, if there is one, is the cause.

    Attributes:
        statistics: The pool's, at that time.
    """

    def __init__(self, message: str, statistics: PoolStatistics) -> None:
        super().__init__(message)
        self.statistics = statistics

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.statistics)


class PoolTimeoutError(PoolError, TimeoutError):
    """There was no connection within `acquire_timeout`."""


class PoolFullError(PoolError):
    """As many tasks wait already as `max_waiting` allows."""


class PoolFactoryError(PoolError):
    """The factory failed while this task waited, and no other connection was left to wait for.

    What the factory raised is the cause. A `RetryPolicy` or `CircuitBreaker` that is told classes of errors
    takes this one for its cause, too.
    """

    passes_on_its_cause = True
