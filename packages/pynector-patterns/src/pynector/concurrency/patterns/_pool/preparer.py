"""Making ready what was granted."""

from collections.abc import Coroutine
from typing import Any, NoReturn, TypeAlias, TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import ParkingLot, Ticket, current_time

from .errors import PoolError, PoolTimeoutError
from .hook import Doubt, call_hook
from .receiver import Receiver
from .refusal import closed_pool
from .slot import Grant, Slot, Turn
from .statistics import PoolStatistics

C = TypeVar("C")

Verdict: TypeAlias = Coroutine[Any, Any, bool]
"""Tells whether a connection may be lent. If not, it has been closed, and its place is kept."""


class Preparer(Receiver[C]):
    """Makes a connection that can be lent of what was granted: checks an idle one, or opens another.

    Attributes:
        trying: Those who are to open a connection, after the pause that a failing factory gets.
    """

    __slots__ = ("trying",)

    trying: ParkingLot[Grant[C]]

    async def make_ready(self, grant: Grant[C], asked_at: float | None, verdict: Verdict | None) -> Slot[C]:
        """Make a connection of what was granted, in what is left of the time."""
        now, limit = current_time(), self.terms.acquire_timeout
        has_waited = asked_at is not None
        if asked_at is None:
            asked_at = now
        slot = None
        with move_on_after(None if limit is None else asked_at + limit - now):
            slot = await self._find(grant, has_waited, verdict)
        if slot is None:
            raise self.late()
        return slot

    async def _find(self, grant: Grant[C], has_waited: bool, verdict: Verdict | None) -> Slot[C]:
        while not isinstance(grant, Slot) or not (verdict is None or await verdict):
            # Who comes to a free place is told at once what the factory says: only waiters can wait for it.
            handed = await self.pause() if has_waited else None
            if handed is None:
                slot = await self.open()
                self.ledger.fresh += 1
                return slot
            grant, verdict = handed, self.examine(handed, self.now())
        return grant

    async def pause(self) -> Slot[C] | None:
        """Keep the place while a failing factory is left alone; gives a connection if one comes back."""
        pause = self.retry_pause.left(current_time())
        if pause <= 0:
            return None
        grant: Grant[C] | None = None
        try:
            with move_on_after(pause):
                ticket = self.queue_up(self.trying)
                try:
                    grant = await ticket
                except BaseException:
                    self.trying.leave(ticket, self.take_back)
                    raise
        except BaseException:
            self.not_opened()
            raise
        if not isinstance(grant, Slot):
            return None
        self.not_opened()
        if self.closed:
            self.refuse(grant)
        return grant

    def queue_up(self, lot: ParkingLot[Grant[C]]) -> Ticket:
        """Begin to wait in one of the lots, as `ParkingLot.queue_up`."""
        return lot.queue_up()

    def examine(self, slot: Slot[C], now: float) -> Verdict | None:
        """Look at a connection that is about to be lent. None: it may be; else what `make_ready` awaits."""
        idles_too_long = now >= slot.idle_since + self._max_idle and self._is_spare
        if idles_too_long or now >= slot.ends_at or slot.expired:
            return self._expired(slot, "it was open or idle for too long")
        if self.terms.check is None:
            return None
        doubt = call_hook(self.terms.check, slot.connection)
        return None if doubt is None else self._checked(slot, doubt)

    async def _expired(self, slot: Slot[C], why: str) -> bool:
        self.ledger.tell("check_failed", slot.connection, 0.0, TimeoutError(why))
        await self.replace(slot)
        return False

    async def _checked(self, slot: Slot[C], doubt: Doubt) -> bool:
        try:
            await doubt
        except Exception as error:
            self._check_not_closed(slot)
            self.ledger.hook_failed("check_failed", slot.connection, 0.0, error)
            await self.replace(slot)
            return False
        except BaseException:
            if not slot.closed:
                await self.dispose(slot)
            raise
        self._check_not_closed(slot)
        return await self._expired(slot, "it expired while it was checked") if slot.expired else True

    def _check_not_closed(self, slot: Slot[C]) -> None:
        if self.closed:
            self.refuse(slot)

    def refuse(self, grant: Grant[C]) -> NoReturn:
        """Tell one who waited that it gets nothing; what it was granted goes to the next."""
        if grant is Turn.LATE:
            raise self.late()
        self.take_back(grant)
        raise closed_pool()

    @property
    def whose(self) -> str:
        """Words for errors that tell this lender's connections from those of others in the same pool."""
        return ""

    def statistics(self) -> PoolStatistics:
        """Give the numbers of now."""
        raise NotImplementedError

    def late(self) -> PoolError:
        """Make the error for one who got no connection in time."""
        limit = self.terms.acquire_timeout
        assert limit is not None
        self.ledger.timed_out += 1
        self.ledger.tell("timed_out", None, limit)
        message, error = f"no connection{self.whose} within {limit} s", self.retry_pause.error
        if error is not None:
            message = f"{message}; connection_factory failed last with {error!r}"
        return self.error(PoolTimeoutError, message)

    def error(self, kind: type[PoolError], message: str) -> PoolError:
        """Make an error that has the numbers of now, and what the factory raised last."""
        statistics = self.statistics()
        error = kind(f"{message} ({statistics})", statistics)
        error.__cause__ = self.retry_pause.error
        return error
