"""What becomes of a connection when its lease ends."""

from typing import TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import ParkingLot

from .hook import Doubt, call_hook
from .refusal import foreign_connection, not_lent
from .slot import Grant, Slot
from .stock import Stock

C = TypeVar("C")

ENDING = object()
"""Who has a connection whose lease has ended, while it is reset."""


class Receiver(Stock[C]):
    """Takes connections back: for the next, or to close them."""

    __slots__ = ("closed_lent", "lot")

    lot: ParkingLot[Grant[C]]
    """Where tasks wait for a connection."""
    closed_lent: dict[int, Slot[C]]
    """What was closed while it was lent, until it comes back."""

    def lent_slot(self, connection: C) -> Slot[C] | None:
        """Find what belongs to a lent connection; None if the pool has closed it meanwhile.

        Raises:
            RuntimeError: it is not lent, or of another pool.
        """
        slot = self.slots.get(id(connection))
        if slot is None:
            if self.closed_lent.pop(id(connection), None) is None:
                raise foreign_connection()
            return None
        if slot.lease is None or slot.lease is ENDING:
            raise not_lent()
        return slot

    async def end(self, slot: Slot[C], *, clean: bool) -> None:
        """A lease ends, with an exception if it is not clean."""
        self.lot.check_home("release()")
        now = self.now()
        self.ledger.lease_ended(slot, now)
        if self._must_go(slot, now) or not (clean or self.terms.reset):
            await self.dispose(slot)
        elif self.terms.reset is None:
            self.put_back(slot, now)
        else:
            await self._reset(slot)

    async def discard(self, slot: Slot[C]) -> None:
        """A lease ends, and its connection is of no use any more."""
        self.lot.check_home("discard()")
        self.ledger.lease_ended(slot, self.now())
        await self.dispose(slot)

    def put_back(self, slot: Slot[C], now: float) -> None:
        """A connection can be lent again."""
        slot.idle_since = now
        self.give_back(slot)

    def idle_end(self, slot: Slot[C]) -> float:
        """When an idle connection is to be closed, if it stays idle."""
        limits = self.terms.limits
        if limits.max_idle is None or len(self.slots) <= limits.min_size:
            return slot.ends_at
        return min(slot.ends_at, slot.idle_since + limits.max_idle)

    def ended_idle(self, now: float) -> list[Slot[C]]:
        """Give the idle connections that are to be closed."""
        ended = [slot for slot in self.idle if now >= slot.ends_at]
        spare = max(0, len(self.slots) - self.terms.limits.min_size - len(ended))
        late = [slot for slot in self.idle if slot.ends_at > now >= self.idle_end(slot)]
        return ended + late[:spare]

    def _must_go(self, slot: Slot[C], now: float) -> bool:
        if self.closed or slot.expired or self.total > self.max_connections:
            return True
        limits = self.terms.limits
        if limits.max_uses is not None and slot.uses >= limits.max_uses:
            return True
        if limits.max_idle == 0 and len(self.slots) > limits.min_size:
            return True
        return now >= slot.ends_at

    async def _reset(self, slot: Slot[C]) -> None:
        assert self.terms.reset is not None
        slot.lease = ENDING
        doubt = call_hook(self.terms.reset, slot.connection)
        is_reset = doubt is None or await self._has_been_reset(slot, doubt)
        if slot.closed:  # the pool was closed, and did not wait
            return
        now = self.now()
        if not is_reset or self._must_go(slot, now):
            await self.dispose(slot)
        else:
            self.put_back(slot, now)

    async def _has_been_reset(self, slot: Slot[C], doubt: Doubt) -> bool:
        limit = self.terms.close_timeout
        error: Exception | None = None
        try:
            # Shielded: a lease that was cancelled can still end well.
            with move_on_after(limit, shield=True) as scope:
                await doubt
            if scope.cancelled_caught:
                error = TimeoutError(f"no answer within {limit} s")
        except Exception as caught:
            error = caught
        except BaseException:
            if not slot.closed:
                await self.dispose(slot)
            raise
        if error is not None and not slot.closed:
            self.ledger.hook_failed("reset_failed", slot.connection, 0.0, error)
        return error is None
