"""The connection pools: a state that decides, a lender that acts, and what they lend."""

from .connection_pool import ConnectionPool
from .errors import PoolError, PoolFactoryError, PoolFullError, PoolTimeoutError
from .event import PoolEvent, PoolEventKind
from .lease import Lease
from .limits import PoolLimits
from .statistics import PoolStatistics
from .watch import PoolWatch

__all__ = [
    "ConnectionPool",
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
]
