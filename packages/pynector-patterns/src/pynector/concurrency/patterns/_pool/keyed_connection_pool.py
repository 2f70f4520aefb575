"""The pool of connections to many hosts."""

from collections.abc import Hashable
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from pynector.concurrency.task.lowlevel import check_int, check_seconds, checkpoint

from .agenda import Agenda
from .branches import Branches
from .closing import Closing
from .factory import KeyedConnectionFactory
from .hook import Hook
from .keeper import Keeper
from .keyed_lease import KeyedLease
from .lease import Lease
from .lender import Lender
from .limits import PoolLimits
from .own_tasks import OwnTasks
from .shutdown import Shutdown
from .statistics import PoolStatistics
from .terms import Terms
from .watch import PoolWatch

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")

DEFAULT_LIMITS = PoolLimits(max_idle=60.0)


class KeyedConnectionPool(Generic[K, C]):
    """Keeps connections to many hosts open, at most so many to each and so many in all.

    A `ConnectionPool` for each key, which may be anything hashable, such as `(host, port)`. They share
    *max_connections* places. Within a key tasks are served in order of arrival; keys that wait for a place
    get one in turn. When all places are taken, an idle connection of the key that has rested longest is
    closed to make room, and a key with many connections gives up what comes back for a key with fewer. So
    one host cannot keep the others waiting, however many ask for it. A key without connections is forgotten.

    For one host use `ConnectionPool`, which costs less.

    Args:
        max_per_key: The most connections of one key.
        max_connections: The most connections of all keys together.
        connection_factory: Called with the key; otherwise as in `ConnectionPool`.
        acquire_timeout: As in `ConnectionPool`, like all that follow.
        limits: By default connections that are idle for a minute are closed. `min_size` must be 0.
        check: Called with a connection that is about to be lent again.
        reset: Called with a connection that came back.
        order: Which of a key's idle connections to lend.
        grace: Seconds that leases have to end when the pool is closed.
        close_timeout: Seconds that closing a connection may take.
        watch: Events, leaks and times.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: an argument out of its range, or *max_per_key* above *max_connections*.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import KeyedConnectionPool

        async def connect(address: tuple[str, int]) -> str:
            return f"connection to {address[0]}:{address[1]}"

        async def main() -> None:
            async with KeyedConnectionPool(
                max_per_key=6, max_connections=100, connection_factory=connect
            ) as pool:
                async with pool.acquire(("example.org", 443)) as connection:
                    print(connection)
                    #> connection to example.org:443

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_branches", "_entered", "_keeper", "_shutdown")

    def __init__(
        self,
        *,
        max_per_key: int,
        max_connections: int,
        connection_factory: KeyedConnectionFactory[K, C],
        acquire_timeout: float | None = 30.0,
        limits: PoolLimits = DEFAULT_LIMITS,
        check: Hook[C] | None = None,
        reset: Hook[C] | None = None,
        order: Literal["lifo", "fifo"] = "lifo",
        grace: float = 0.0,
        close_timeout: float = 5.0,
        watch: PoolWatch = PoolWatch(),  # noqa: B008  # immutable
    ) -> None:
        terms: Terms[C] = Terms(
            max_connections=max_connections,
            factory=connection_factory,
            acquire_timeout=acquire_timeout,
            limits=limits,
            check=check,
            reset=reset,
            order=order,
            grace=grace,
            close_timeout=close_timeout,
            watch=watch,
        )
        check_int("max_per_key", max_per_key, minimum=1)
        if max_per_key > max_connections:
            raise ValueError(
                f"max_per_key must be <= max_connections, not {max_per_key} and {max_connections}"
            )
        if limits.min_size:
            raise ValueError(f"min_size must be 0 in a KeyedConnectionPool, not {limits.min_size}")
        tasks, agenda = OwnTasks(), Agenda[Lender[Any]]()
        self._branches: Branches[K, C] = Branches(terms, max_per_key, tasks, agenda)
        self._keeper = Keeper(self._branches.all, agenda, tasks)
        self._shutdown = Shutdown(terms, self._branches.all, (self._keeper,), tasks)
        self._entered = False

    def acquire(self, key: K) -> Lease[C]:
        """Borrow a connection of *key*: await it, or enter it with `async with`.

        Waits while there is none and no more may be opened. If cancelled, nothing has been taken. A
        checkpoint when it waits or opens a connection, and at least once in 64 times.

        Raises:
            anyio.ClosedResourceError: the pool is closed, or is closed while waiting.
            PoolTimeoutError: there was none within *acquire_timeout*.
            PoolFullError: `max_waiting` tasks wait already, for whatever key.
            PoolFactoryError: the factory failed for this key while this task waited, and no connection was
                left to wait for.
            Exception: what the factory raises, where this task called it.
        """
        lease: KeyedLease[K, C] = KeyedLease()
        lease.branches = self._branches
        lease.key = key
        lease.slot = None
        return lease

    async def release(self, connection: C) -> None:
        """Give back a connection that `await acquire(key)` gave; as `ConnectionPool.release`.

        Raises:
            RuntimeError: the connection is not lent, or is not one of this pool.
        """
        found = self._branches.lent_slot(connection)
        if found is not None:
            branch, slot = found
            await branch.end(slot, clean=True)

    async def discard(self, connection: C) -> None:
        """Give back a connection that is of no use any more; as `ConnectionPool.discard`.

        Raises:
            RuntimeError: the connection is not lent, or is not one of this pool.
        """
        found = self._branches.lent_slot(connection)
        if found is not None:
            branch, slot = found
            await branch.discard(slot)

    async def expire_all(self) -> None:
        """Let no connection that is open now be lent again; as `ConnectionPool.expire_all`."""
        if next(self._branches.budget):
            await checkpoint()
        self._branches.check_open()
        self._branches.home.check_home("expire_all()")
        closings = [closing for branch in self._branches.all() for closing in branch.expire_all()]
        await Closing.all_ended(closings)

    def keys(self) -> tuple[K, ...]:
        """Give the keys that have connections, or that somebody asks for."""
        return tuple(branch.key for branch in self._branches.all())

    def statistics(self) -> PoolStatistics:
        """Give the pool's numbers of now, all keys taken together."""
        return self._branches.statistics()

    async def close(self, *, grace: float | None = None) -> None:
        """Lend no more, wait for leases to end, and close all; as `ConnectionPool.close`.

        Args:
            grace: Seconds that leases have to end; by default what the pool was made with.
        """
        if grace is not None:
            check_seconds("grace", grace, minimum=0)
        self._branches.shut()
        await self._shutdown.run(self._branches.terms.grace if grace is None else grace)

    async def __aenter__(self) -> Self:
        self._branches.check_open()
        if self._entered:
            raise RuntimeError("connection pool is entered already; a pool is entered once")
        self._entered = self._branches.may_own = True
        for branch in self._branches.all():
            branch.connector.may_own = True
        if self._branches.terms.needs_keeper:
            self._keeper.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        state = "closed, " if self._branches.closed else ""
        return f"<KeyedConnectionPool {state}{len(self.keys())} keys, {self.statistics()}>"
