"""The pool of connections."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from pynector.concurrency.task.lowlevel import check_callable, check_int

from .lease import Lease
from .lender import Lender

C = TypeVar("C")


class ConnectionPool(Generic[C]):
    """Keeps connections open, and lends each to one task at a time.

    Args:
        max_connections: The most connections at any time, those being opened or closed included.
        connection_factory: An async function that opens one.
    """

    __slots__ = ("__weakref__", "_lender")

    def __init__(self, *, max_connections: int, connection_factory: Callable[[], Awaitable[C]]) -> None:
        check_int("max_connections", max_connections, minimum=1)
        check_callable("connection_factory", connection_factory)
        self._lender: Lender[C] = Lender(max_connections, connection_factory)

    def acquire(self) -> Lease[C]:
        """Borrow a connection: `await` it, or enter it with `async with`."""
        lease: Lease[C] = Lease()
        lease.lender = self._lender
        lease.slot = None
        return lease

    async def release(self, connection: C) -> None:
        """Give back a connection that `await acquire()` gave."""
        lender = self._lender
        slot = lender.slots.get(id(connection))
        if slot is not None and slot.lease is not None and lender.calm:
            slot.lease = None
            lender.idle.append(slot)
        else:
            await lender.end(lender.lent_slot(connection), clean=True)

    async def close(self) -> None:
        """Close every connection."""
        await self._lender.close()

    async def __aenter__(self) -> Self:
        self._lender.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
