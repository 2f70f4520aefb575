"""What the pool does: it acts on what `PoolState` decides."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import ParkingLot, checkpoint, current_time

from .errors import PoolError, PoolFactoryError, PoolFullError, PoolTimeoutError
from .hook import call_hook
from .ledger import Ledger
from .own_tasks import OwnTasks
from .patience import Patience
from .receiver import Receiver
from .refusal import closed_pool, closed_while_waiting
from .slot import Grant, Slot, Turn
from .statistics import PoolStatistics
from .terms import Terms

C = TypeVar("C")


class Lender(Receiver[C]):
    """Lends connections, until it is closed.

    Args:
        terms: What was said when the pool was made.
        factory: Gives an awaitable or a context manager.
        ledger: Where everything is noted.
        tasks: Where connections are closed, and who waits is looked after.

    Attributes:
        empty: Set when the pool is closed, and no connection is left.
        on_change: Called when there is a connection more or less.
    """

    __slots__ = ("_trying", "empty", "on_change", "patience")

    leases: int

    def __init__(self, terms: Terms[C], factory: Callable[[], Any], ledger: Ledger, tasks: OwnTasks) -> None:
        super().__init__(terms, factory, ledger, tasks)
        self.lot: ParkingLot[Grant[C]] = ParkingLot("ConnectionPool")
        self._trying: ParkingLot[Grant[C]] = ParkingLot("ConnectionPool")
        """Those who are to open a connection, after the pause that a failing factory gets."""
        self.patience: Patience = Patience(self.lot, terms.acquire_timeout, tasks)
        self.empty: Event = Event()
        self.closed_lent: dict[int, Slot[C]] = {}
        self.on_change: Callable[[], object] = bool

    @property
    def waiting(self) -> int:
        return len(self.lot) + len(self._trying)

    def wake(self, grant: Grant[C]) -> bool:
        if self.failing and isinstance(grant, Slot) and self._trying.wake_first(grant) is not None:
            return True
        return self.lot.wake_first(grant) is not None

    def hand_on(self, slot: Slot[C]) -> None:
        """A connection comes back while all is calm: it goes to the first who waits, or is idle."""
        self.lot.check_home("release()")
        slot.lease = None
        if self.lot.unpark(slot) is None:
            self.idle.append(slot)

    async def lend(self, lease: object) -> Slot[C]:
        """Give a connection, after all that has to be looked at."""
        if len(self.ready) or next(self.budget):  # one is ready only if a checkpoint is due: see `Lease`
            await checkpoint()
        if self.closed:
            self.check_open()
        self.lot.check_home("acquire()")
        grant = self.request()
        if grant is None:
            self.about_to_wait()
            return await self.accept(lease, *await self.stand_in_line())
        return await self.accept(lease, grant)

    async def stand_in_line(self) -> tuple[Grant[C], float]:
        """Wait for what comes, and give it, with the time when that began."""
        lot = self.lot
        ticket = lot.queue_up()
        since = lot.latest()
        if self.patience.rests:
            self.patience.begin()
        try:
            return await ticket, since
        except BaseException:
            lot.leave(ticket, self.take_back)
            raise

    async def accept(self, lease: object, grant: Grant[C], since: float | None = None) -> Slot[C]:
        """Make a lease of what was granted to one who has waited *since*, or had not to."""
        if since is not None:
            if self.closed or grant is Turn.LATE:
                self._refuse(grant)
            self.ledger.waited += 1
        if not (self._plain and isinstance(grant, Slot)):
            grant = await self._make_ready(grant, since)
        grant.lease = lease
        self.leases += 1
        return grant

    def about_to_wait(self) -> None:
        """One more is going to wait; refuse it if there are enough."""
        limit = self.terms.limits.max_waiting
        if limit is not None and self.statistics().waiting >= limit:
            raise self._error(PoolFullError, f"{limit} tasks wait already, as many as max_waiting allows")

    def _refuse(self, grant: Grant[C]) -> NoReturn:
        if grant is Turn.LATE:
            raise self.late()
        self.take_back(grant)
        raise closed_pool()

    async def _make_ready(self, grant: Grant[C], asked_at: float | None) -> Slot[C]:
        """Make a connection of what was granted, in what is left of the time."""
        now, limit = current_time(), self.terms.acquire_timeout
        if asked_at is None:
            asked_at = now
        slot = None
        with move_on_after(None if limit is None else asked_at + limit - now):
            slot = await self._find(grant)
        if slot is None:
            raise self.late()
        slot.uses += 1
        self.ledger.lease_began(slot, asked_at)
        return slot

    async def _find(self, grant: Grant[C]) -> Slot[C]:
        while not isinstance(grant, Slot) or not await self._is_fit(grant):
            handed = await self._pause()
            if handed is None:
                slot = await self.open()
                self.ledger.fresh += 1
                return slot
            grant = handed
        return grant

    async def _pause(self) -> Slot[C] | None:
        """Keep the place while a failing factory is left alone; gives a connection if one comes back."""
        pause = self.retry_pause.left(current_time())
        if pause <= 0:
            return None
        grant: Grant[C] | None = None
        try:
            with move_on_after(pause):
                grant = await self._trying.park(self.take_back)
        except BaseException:
            self.not_opened()
            raise
        if not isinstance(grant, Slot):
            return None
        self.not_opened()
        if self.closed:
            self._refuse(grant)
        return grant

    async def _is_fit(self, slot: Slot[C]) -> bool:
        """Whether a connection may be lent. If not, it is closed, and its place kept."""
        error: Exception | None
        if slot.expired or current_time() >= self.idle_end(slot):
            error = TimeoutError("it was open or idle for too long")
        else:
            error = await self._check(slot)
            if slot.expired and error is None:
                error = TimeoutError("it expired while it was checked")
        if error is None:
            return True
        self.ledger.tell("check_failed", slot.connection, 0.0, error)
        await self.replace(slot)
        return False

    async def _check(self, slot: Slot[C]) -> Exception | None:
        if self.terms.check is None:
            return None
        try:
            await call_hook(self.terms.check, slot.connection)
        except Exception as error:
            self._check_not_closed(slot)
            return error
        except BaseException:
            if not slot.closed:
                await self.dispose(slot)
            raise
        self._check_not_closed(slot)
        return None

    def _check_not_closed(self, slot: Slot[C]) -> None:
        if self.closed:
            self._refuse(slot)

    def shut(self) -> None:
        """Lend no more: who waits fails, what is being opened is cancelled, and what is idle is closed."""
        self.lot.check_home("closing the pool")
        super().shut()
        self.lot.fail_all(closed_while_waiting)
        self._trying.fail_all(closed_while_waiting)
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
        self.on_change()

    def lessened(self) -> None:
        if self.closed and not self.total:
            self.empty.set()
        self.on_change()

    def others_failed(self, error: Exception) -> None:
        self.lot.fail_all(lambda: self._error(PoolFactoryError, f"connection_factory failed: {error!r}"))

    def late(self) -> PoolError:
        """Make the error for one who got no connection in time."""
        limit = self.terms.acquire_timeout
        assert limit is not None
        self.ledger.timed_out += 1
        self.ledger.tell("timed_out", None, limit)
        return self._error(PoolTimeoutError, f"no connection within {limit} s")

    def statistics(self) -> PoolStatistics:
        """Give the numbers of now."""
        return self.ledger.statistics((self,), self.max_connections)

    def _error(self, kind: type[PoolError], message: str) -> PoolError:
        statistics = self.statistics()
        error = kind(f"{message} ({statistics})", statistics)
        error.__cause__ = self.retry_pause.error
        return error

    def oldest_wait(self) -> float:
        """Since when the first who waits has been waiting."""
        return self.lot.oldest()
