"""The right to use one connection for a while."""

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pynector.concurrency.task.lowlevel import READY, checkpoint

from .slot import Grant, Slot

if TYPE_CHECKING:
    from .lender import Lender

C = TypeVar("C")

ON_ITS_WAY: Slot[Any] = Slot(None, lambda: READY)
"""What a lease has while it waits."""


class Lease(Coroutine[Any, Any, C]):
    """What `acquire()` gives: await it for a connection, or enter it with `async with`.

    ```py
    async with pool.acquire() as connection:  # given back at the end of the block
        ...

    connection = await pool.acquire()  # given back by pool.release(connection)
    ```

    A block that ends with an error, a cancellation included, may leave its connection in the middle of an
    exchange. The connection is then closed, not lent again, unless the pool has a `reset` and that succeeds.

    Nothing is taken before it is awaited or entered. It is a coroutine too, so
    `create_task(pool.acquire())` works.
    """

    # No __init__, and the short way twice: this path is as short as Python allows.
    __slots__ = ("__weakref__", "_steps", "lender", "slot")

    lender: "Lender[C]"
    slot: Slot[C] | None
    _steps: Generator[Any, Any, C]

    def __await__(self) -> Generator[Any, Any, C]:
        if self.slot is not None:
            self._refuse_twice()
        lender = self.lender
        if lender.ready:
            if next(lender.budget):
                yield from checkpoint().__await__()  # after that somebody may have been faster
            else:
                if lender.lot.home is not None:
                    lender.lot.check_home("acquire()")
                lender.leases += 1
                idle, first = lender.ready, lender.first
                self.slot = slot = idle[first]
                del idle[first]  # no `pop`: an interrupt comes after calls, and it would be nobody's
                slot.lease = self
                return slot.connection
        return (yield from self.__aenter__().__await__())

    async def __aenter__(self) -> C:
        if self.slot is not None:
            self._refuse_twice()
        lender = self.lender
        if lender.ready:
            if next(lender.budget):
                lender = await self._give_way()  # after that somebody may have been faster
                self._refuse_twice()
            else:
                if lender.lot.home is not None:
                    lender.lot.check_home("acquire()")
                lender.leases += 1
                idle, first = lender.ready, lender.first
                self.slot = slot = idle[first]
                del idle[first]  # no `pop`: an interrupt comes after calls, and it would be nobody's
                slot.lease = self
                return slot.connection
        self.slot = ON_ITS_WAY
        try:
            if lender.flows and not lender.idle:
                # Nothing is free: what `lend` does then, without its coroutines.
                lot = lender.lot
                ticket = lot.queue_up()
                since = lot.queue[-1][2]  # what `latest` gives, without the call
                if lender.patience.rests:
                    lender.patience.begin()
                try:
                    grant: Grant[C] = await ticket
                except BaseException:
                    lot.leave(ticket, lender.take_back)
                    raise
                if lender.calm and isinstance(grant, Slot):
                    lender.ledger.waited += 1
                    lender.leases += 1
                    self.slot = grant
                    grant.lease = self
                    return grant.connection
                loan = lender.accept(self, grant, since)
            else:
                if next(lender.budget):
                    lender = await self._give_way()
                loan = lender.lend(self)
            self.slot = slot = loan if isinstance(loan, Slot) else await loan
        except BaseException:
            self.slot = None  # it may be used again
            raise
        return slot.connection

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        slot, self.slot = self.slot, None
        assert slot is not None
        if slot.lease is not self:
            return READY  # given back or discarded within the block
        lender = self.lender
        if kind is not None or not lender.calm:
            return lender.end(slot, clean=kind is None)
        # What `end` does, without the look; so does `release`.
        lot = lender.lot
        if lot.home is None or lot.unpark(slot) is None:
            lender.idle.append(slot)
        slot.lease = None
        return READY

    async def _give_way(self) -> "Lender[C]":
        await checkpoint()
        self.lender = lender = self.lender.again()
        return lender

    def _refuse_twice(self) -> None:
        if self.slot is not None:
            raise RuntimeError("this lease was used already; call acquire() for each 'async with' or 'await'")

    def send(self, value: Any) -> Any:
        """Take the next step, as a coroutine does."""
        return self._begun().send(value)

    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None) -> Any:
        """Raise an error at the current step, as a coroutine does."""
        return self._begun().throw(typ if val is None else val.with_traceback(tb))

    def close(self) -> None:
        """Give up, as a coroutine does."""
        self._begun().close()

    def _begun(self) -> Generator[Any, Any, C]:
        if not hasattr(self, "_steps"):
            self._steps = self.__await__()
        return self._steps
