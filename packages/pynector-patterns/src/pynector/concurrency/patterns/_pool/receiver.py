"""What becomes of a connection when its lease ends."""

import math
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import READY, ParkingLot

from .agenda import RETRY
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

    def end(self, slot: Slot[C], *, clean: bool) -> Coroutine[Any, Any, None]:
        """A lease ends, with an exception if it is not clean. To be awaited; most often it is done before."""
        self.lot.check_home("release()")
        now = self.now()
        if self.ledger.is_timed:
            self.ledger.lease_ended(slot, now)
        if self._must_go(slot, now) or not (clean or self.terms.reset):
            return self.dispose(slot)
        if self.terms.reset is not None:
            return self._reset(slot)
        self.put_back(slot, now)
        return READY

    async def discard(self, slot: Slot[C]) -> None:
        """A lease ends, and its connection is of no use any more."""
        self.lot.check_home("discard()")
        if self.ledger.is_timed:
            self.ledger.lease_ended(slot, self.now())
        await self.dispose(slot)

    async def take_in(self, slot: Slot[C]) -> None:
        """A connection was opened that nobody has asked for."""
        now = self.now()
        if self._must_go(slot, now):
            await self.dispose(slot)
        else:
            self.put_back(slot, now)

    def put_back(self, slot: Slot[C], now: float) -> None:
        """A connection can be lent again."""
        slot.idle_since = now
        self.give_back(slot)

    @property
    def _is_spare(self) -> bool:
        return len(self.slots) > self.terms.limits.min_size

    def ended_idle(self, slots: Iterable[Slot[C]], now: float) -> list[Slot[C]]:
        """Give those of *slots* that are idle and are to be closed: not more than are spare, oldest first."""
        idle = [slot for slot in slots if self._is_idle(slot)]
        ended = [slot for slot in idle if now >= slot.ends_at]
        spare = max(0, len(self.slots) - self.terms.limits.min_size - len(ended))
        late = [slot for slot in idle if slot.ends_at > now >= slot.idle_since + self._max_idle]
        late.sort(key=lambda slot: slot.idle_since)
        return ended + late[:spare]

    def needs_idle(self, slot: Slot[C], now: float) -> bool:
        """Whether an open connection has been idle for too long, but `min_size` needs it."""
        return now >= slot.idle_since + self._max_idle and self._is_idle(slot)

    def next_look(self, slot: Slot[C], now: float) -> float:
        """When something may have to be done about an open connection, at the earliest."""
        max_idle, leak_after = self.terms.limits.max_idle, self.terms.watch.leak_after
        looks = [slot.ends_at] if slot.ends_at > now else []
        if max_idle:
            idle_until = slot.idle_since + max_idle if slot.lease is None else now
            # What is lent may come back at once, and is idle from then on.
            looks.append(idle_until if idle_until > now else now + max(RETRY, max_idle))
        if leak_after is not None:
            looks.append(now + max(RETRY, leak_after) if slot.calls is None else slot.lent_at + leak_after)
        return min(looks, default=math.inf)

    def _is_idle(self, slot: Slot[C]) -> bool:
        return slot.lease is None and slot in self.idle

    def _must_go(self, slot: Slot[C], now: float) -> bool:
        if now >= slot.ends_at or slot.uses >= self._max_uses:
            return True
        if not self.steady and (self.closed or slot.expired or self.staying > self.max_connections):
            return True
        return self._max_idle == 0 and self._is_spare

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
