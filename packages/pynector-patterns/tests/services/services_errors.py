"""Which errors of a driver say that the server is away, for a while."""

from pynector.concurrency.patterns import PoolFactoryError


def is_passing(error: Exception) -> bool:
    """Whether another attempt may do better."""
    if isinstance(error, PoolFactoryError):
        return True  # the driver's error is its cause
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or module in {"asyncpg", "psycopg", "redis"}
