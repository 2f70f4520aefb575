"""What the pool does: it acts on what `PoolState` decides."""

import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import ParkingLot, Resident

from .agenda import Agenda
from .errors import PoolFactoryError, PoolFullError
from .ledger import Ledger
from .own_tasks import OwnTasks
from .patience import Patience
from .preparer import Preparer, Verdict
from .refusal import closed_while_waiting
from .slot import Grant, Slot, Turn
from .statistics import PoolStatistics
from .terms import Terms

C = TypeVar("C")

Loan: TypeAlias = Slot[C] | Coroutine[Any, Any, Slot[C]]
"""A connection that is there, or what is to be awaited at once for one: most often a look is enough."""


class Lender(Preparer[C]):
    """Lends connections, until it is closed.

    Args:
        terms: What was said when the pool was made.
        factory: Gives an awaitable or a context manager.
        ledger: Where everything is noted.
        tasks: Where connections are closed, and who waits is looked after.
        agenda: When to look at each connection.
        beside: What else belongs to the same event loop.

    Attributes:
        empty: Set when the pool is closed, and no connection is left.
    """

    __slots__ = ("_agenda", "empty", "patience")

    leases: int

    def __init__(
        self,
        terms: Terms[C],
        factory: Callable[[], Any],
        ledger: Ledger,
        tasks: OwnTasks,
        agenda: "Agenda[Lender[Any]]",
        beside: Resident | None = None,
    ) -> None:
        super().__init__(terms, factory, ledger, tasks)
        self._agenda = agenda
        self.lot: ParkingLot[Grant[C]] = ParkingLot("ConnectionPool", beside=beside)
        self.trying: ParkingLot[Grant[C]] = ParkingLot("ConnectionPool", beside=self.lot)
        self.patience: Patience = Patience(self.lot, terms.acquire_timeout, tasks)
        self.empty: Event = Event()
        self.closed_lent: dict[int, Slot[C]] = {}

    def __del__(self, warn: Callable[..., None] = warnings.warn) -> None:
        if self.slots and not self.closed:
            text = f"a connection pool was never closed, nor its {len(self.slots)} connections"
            warn(text, ResourceWarning, source=self)

    @property
    def waiting(self) -> int:
        return len(self.lot) + len(self.trying)

    @property
    def queue_length(self) -> int:
        """How many wait who count for `max_waiting`."""
        return self.waiting

    def wake(self, grant: Grant[C]) -> bool:
        if self.failing and isinstance(grant, Slot) and self.trying.wake_first(grant) is not None:
            return True
        return self.lot.wake_first(grant) is not None

    def again(self) -> "Lender[C]":
        """Give the one to ask now, after a checkpoint: of a key it may be another."""
        return self

    def lend(self, lease: object) -> Loan[C]:
        """Give a connection, or what is to be awaited for one, at once."""
        if self.closed:
            self.check_open()
        self.lot.check_home("acquire()")
        grant = self.request()
        if grant is None:
            self.about_to_wait()
            return self._lend_in_turn(lease)
        verdict = None
        if isinstance(grant, Slot):
            now = self.now()
            verdict = self.examine(grant, now)
            if verdict is None:
                return self._lent_to(lease, grant, now, now)
        return self._lend_made_ready(lease, grant, None, verdict)

    async def _lend_in_turn(self, lease: object) -> Slot[C]:
        ticket = self.queue_up(self.lot)
        since = self.lot.latest()
        if self.patience.rests:
            self.patience.begin()
        try:
            grant = await ticket
        except BaseException:
            self.lot.leave(ticket, self.take_back)
            raise
        loan = self.accept(lease, grant, since)
        return loan if isinstance(loan, Slot) else await loan

    def accept(self, lease: object, grant: Grant[C], since: float) -> Loan[C]:
        """Lend what was granted to one who has waited *since*."""
        if self.closed or grant is Turn.LATE:
            self.refuse(grant)
        verdict = None
        if isinstance(grant, Slot):
            now = self.now()
            verdict = None if self.calm else self.examine(grant, now)
            if verdict is None:
                self.ledger.waited += 1
                return self._lent_to(lease, grant, since, now)
        return self._lend_made_ready(lease, grant, since, verdict)

    async def _lend_made_ready(
        self, lease: object, grant: Grant[C], since: float | None, verdict: Verdict | None
    ) -> Slot[C]:
        began = self.now() if since is None else since
        slot = await self.make_ready(grant, since, verdict)
        self.ledger.waited += since is not None
        return self._lent_to(lease, slot, began, self.now())

    def _lent_to(self, lease: object, slot: Slot[C], began: float, now: float) -> Slot[C]:
        """Note who has a connection now, and asked for it when *began*."""
        slot.lease = lease
        slot.uses += 1
        self.leases += 1
        if self.ledger.is_timed:
            self.ledger.lease_began(slot, began, now)
        return slot

    def about_to_wait(self) -> None:
        """One more is going to wait; refuse it if there are enough."""
        limit = self.terms.limits.max_waiting
        if limit is not None and self.queue_length >= limit:
            raise self.error(PoolFullError, f"{limit} tasks wait already, as many as max_waiting allows")

    def shut(self) -> None:
        """Lend no more: who waits fails, what is being opened is cancelled, and what is idle is closed."""
        self.lot.check_home("closing the pool")
        super().shut()
        self.lot.fail_all(closed_while_waiting)
        self.trying.fail_all(closed_while_waiting)
        self.patience.dismiss()
        self.stop_opening()
        self.close_idle(tuple(self.idle))
        if not self.total:
            self.empty.set()

    def close_lent(self) -> None:
        """Wait for leases no longer: begin to close what they have. The pool was shut before."""
        for slot in tuple(self.slots.values()):
            self.retire(slot)
            self.closed_lent[id(slot.connection)] = slot
            self.start_closing(slot)

    def opened(self, slot: Slot[C]) -> None:
        super().opened(slot)
        while self.trying.wake_first(Turn.OPEN) is not None:
            pass  # the factory works: there is nothing to pause for
        self._agenda.add(self, slot)
        if self.terms.limits.min_size:
            self._agenda.bell.set()  # one that is idle is not needed any more
            self._agenda.lack.set()  # nor is one that was to be opened ahead

    def lessened(self) -> None:
        if self.closed and not self.total:
            self.empty.set()
        if self.terms.limits.min_size:
            self._agenda.lack.set()

    def others_failed(self, error: Exception) -> None:
        self.lot.fail_all(lambda: self.error(PoolFactoryError, f"connection_factory failed: {error!r}"))

    def statistics(self) -> PoolStatistics:
        """Give the numbers of now."""
        return self.ledger.statistics((self,), self.max_connections)

    def oldest_wait(self) -> float:
        """Since when the first who waits has been waiting."""
        return self.lot.oldest()
