"""The connection pools: a state that decides, a lender that acts, and what they lend."""

from .connection_pool import ConnectionPool
from .errors import PoolError, PoolFactoryError, PoolFullError, PoolTimeoutError
from .event import PoolEvent, PoolEventKind
from .keyed_connection_pool import KeyedConnectionPool
from .lease import Lease
from .limits import PoolLimits
from .statistics import PoolStatistics
from .watch import PoolWatch

__all__ = [
    "ConnectionPool",
    "KeyedConnectionPool",
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
