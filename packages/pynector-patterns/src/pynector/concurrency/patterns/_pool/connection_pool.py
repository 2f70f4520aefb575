"""The pool of connections."""

from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from pynector.concurrency.task.lowlevel import check_int, check_seconds, checkpoint

from .agenda import Agenda
from .closing import Closing
from .factory import ConnectionFactory
from .filler import Filler
from .hook import Hook
from .keeper import Keeper
from .lease import Lease
from .ledger import Ledger
from .lender import Lender
from .limits import PoolLimits
from .own_tasks import OwnTasks
from .shutdown import Shutdown
from .statistics import PoolStatistics
from .terms import Terms
from .watch import PoolWatch

C = TypeVar("C")


class ConnectionPool(Generic[C]):
    """Keeps connections open, and lends each to one task at a time.

    At no time are there more than *max_connections*, those being opened or closed included. Tasks that find
    none free wait, and are served in order of arrival.

    Use it as a block, which closes all connections at its end. What is done while nobody asks (`min_size`,
    closing what is idle or old, reporting leaks), and connections that come from a context manager, need the
    block; the rest works outside it too, until `close()`.

    Once a task has waited for a connection, the pool belongs to that event loop: it raises `RuntimeError` in
    another loop or thread. For connections to many hosts use `KeyedConnectionPool`.

    Args:
        max_connections: The most connections at any time.
        connection_factory: Opens a connection: an async function, or a function that gives a context
            manager, sync or async. Each context manager is entered and left in a task of its own, so scopes
            and task groups may be open inside. What an async function gave is closed by its `aclose`,
            `close` or `disconnect`, the first that it has, sync or async.
        acquire_timeout: Seconds that `acquire` may take in all, waiting, opening and *check* included; None:
            no limit.
        limits: How many connections are kept, and for how long; see `PoolLimits`.
        check: Called with a connection that is about to be lent again; sync or async. If it gives False or
            raises, the connection is closed, and another one opened.
        reset: Called with a connection that came back; sync or async. If it gives False, raises, or takes
            longer than *close_timeout*, the connection is closed.
        order: Which idle connection to lend: `"lifo"`, the one used last; `"fifo"`, the one idle longest.
        grace: Seconds that leases have to end when the pool is closed, before their connections are closed.
        close_timeout: Seconds that closing a connection may take, and *reset*. Both are shielded: who is
            cancelled, or out of time, waits for them.
        watch: Events, leaks and times; see `PoolWatch`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: an argument out of its range, or `min_size` above *max_connections*.

    States:
        | | open | closed |
        | --- | --- | --- |
        | `acquire` | gives a connection | `anyio.ClosedResourceError` |
        | `release`, `discard` | takes it back | nothing to do |
        | `close` | closes all | waits until they are closed |

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import ConnectionPool

        class Connection:
            async def fetch(self, query: str) -> str:
                return f"rows of {query}"

            async def close(self) -> None: ...

        async def connect() -> Connection:
            return Connection()

        async def main() -> None:
            async with ConnectionPool(max_connections=10, connection_factory=connect) as pool:
                async with pool.acquire() as connection:
                    print(await connection.fetch("select 1"))
                    #> rows of select 1

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_entered", "_filler", "_keeper", "_lender", "_shutdown")

    def __init__(
        self,
        *,
        max_connections: int,
        connection_factory: ConnectionFactory[C],
        acquire_timeout: float | None = 30.0,
        limits: PoolLimits = PoolLimits(),  # noqa: B008  # immutable
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
        tasks, agenda = OwnTasks(), Agenda[Lender[Any]]()
        self._lender: Lender[C] = Lender(terms, connection_factory, Ledger(watch), tasks, agenda)
        lenders = (self._lender,)
        self._keeper = Keeper(lambda: lenders, agenda, tasks)
        self._filler = Filler(terms, self._lender, agenda, tasks)
        self._shutdown = Shutdown(terms, lambda: lenders, (self._keeper, self._filler), tasks)
        self._entered = False

    def acquire(self) -> Lease[C]:
        """Borrow a connection: await it, or enter it with `async with`.

        Waits while none is free and no more may be opened. If cancelled, nothing has been taken. A
        checkpoint when it waits or opens a connection, and at least once in 64 times.

        Raises:
            anyio.ClosedResourceError: the pool is closed, or is closed while waiting.
            PoolTimeoutError: there was none within *acquire_timeout*.
            PoolFullError: `max_waiting` tasks wait already.
            PoolFactoryError: the factory failed while this task waited, and there was no other to wait for.
            Exception: what the factory raises, where this task called it.
        """
        lease: Lease[C] = Lease()
        lease.lender = self._lender
        lease.slot = None
        return lease

    async def release(self, connection: C) -> None:
        """Give back a connection that `await acquire()` gave.

        Waits only for *reset* and for closing it, shielded and limited by *close_timeout*. If cancelled, the
        connection has been given back all the same.

        Raises:
            RuntimeError: the connection is not lent, or is not one of this pool.
        """
        lender = self._lender
        slot = lender.slots.get(id(connection))
        if lender.calm and slot is not None and slot.lease is not None:
            # The short way; what follows does the same, after a look.
            if lender.lot.home is None or lender.lot.unpark(slot) is None:
                lender.idle.append(slot)
            slot.lease = None
        elif (slot := lender.lent_slot(connection)) is not None:
            await lender.end(slot, clean=True)

    async def discard(self, connection: C) -> None:
        """Give back a connection that is of no use any more: it is closed, not lent again.

        Works inside `async with pool.acquire()` too. Waits until it is closed: shielded, and limited by
        *close_timeout*, and a second more if it does not let itself be cancelled. If cancelled natively,
        closing goes on.

        Raises:
            RuntimeError: the connection is not lent, or is not one of this pool.
        """
        slot = self._lender.lent_slot(connection)
        if slot is not None:
            await self._lender.discard(slot)

    async def expire_all(self) -> None:
        """Let no connection that is open now be lent again, after rotated credentials for example.

        Idle ones are closed at once, the others when they come back. Waits until the idle ones are closed:
        shielded, and each limited by *close_timeout*. If cancelled natively, closing goes on.

        Raises:
            anyio.ClosedResourceError: the pool is closed.
        """
        await self._check_open()
        self._lender.lot.check_home("expire_all()")
        await Closing.all_ended(self._lender.expire_all())

    async def resize(self, max_connections: int) -> None:
        """Change the most connections there may be.

        Of more, those who wait are served at once. Of less, idle ones are closed at once, the others when
        they come back; waits until the idle ones are closed, shielded, as `expire_all`.

        Raises:
            anyio.ClosedResourceError: the pool is closed.
            ValueError: it is less than one, or than `min_size`.
        """
        check_int("max_connections", max_connections, minimum=1)
        self._lender.terms.check_min_size(max_connections)
        await self._check_open()
        self._lender.lot.check_home("resize()")
        await Closing.all_ended(self._lender.set_maximum(max_connections))

    async def wait_ready(self) -> None:
        """Wait until `min_size` connections have been opened.

        Raises:
            RuntimeError: the pool is not entered.
            PoolTimeoutError: not within *acquire_timeout*; the factory's last error is the cause.
            anyio.BrokenResourceError: the pool's own task that opens them was cancelled from outside.
            anyio.ClosedResourceError: the pool is closed.
        """
        await self._check_open()
        if not self._entered:
            raise RuntimeError("connection pool is not entered; wait_ready() works inside 'async with pool'")
        await self._filler.wait_until_full()

    def statistics(self) -> PoolStatistics:
        """Give the pool's numbers of now."""
        return self._lender.statistics()

    async def close(self, *, grace: float | None = None) -> None:
        """Lend no more, wait for leases to end, and close all connections, those still lent included.

        Those who wait get `anyio.ClosedResourceError`; what is being opened is cancelled; what is idle, or
        comes back, is closed at once. If cancelled, it waits for leases no longer; closing is shielded, and
        each connection limited by *close_timeout*. If cancelled natively, closing goes on all the same.
        Called again, it waits until all are closed; the grace is that of the first call.

        Args:
            grace: Seconds that leases have to end; by default what the pool was made with.
        """
        if grace is not None:
            check_seconds("grace", grace, minimum=0)
        self._lender.shut()
        await self._shutdown.run(self._lender.terms.grace if grace is None else grace)

    async def _check_open(self) -> None:
        if next(self._lender.budget):
            await checkpoint()
        self._lender.check_open()

    async def __aenter__(self) -> Self:
        self._lender.check_open()
        if self._entered:
            raise RuntimeError("connection pool is entered already; a pool is entered once")
        self._entered = self._lender.connector.may_own = True
        if self._lender.terms.needs_keeper:
            self._keeper.start()
        self._filler.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<ConnectionPool {'closed, ' if self._lender.closed else ''}{self.statistics()}>"
