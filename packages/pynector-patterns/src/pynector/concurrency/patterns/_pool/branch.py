"""The pool of one key."""

from collections.abc import Coroutine, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pynector.concurrency.task.lowlevel import ParkingLot, Ticket

from .lender import Lender, Loan
from .slot import Grant, Slot
from .statistics import PoolStatistics

if TYPE_CHECKING:
    from .branches import Branches

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")

NOTHING = (0, 0)


class Branch(Lender[C], Generic[K, C]):
    """Lends the connections of one key, within the places that all keys share.

    Args:
        branches: All keys, and their places.
        key: This one.

    Attributes:
        asking: How many tasks ask for a connection that was not idle.
        is_in_use: Whether it is the pool of its key: not before it is asked, nor after it was forgotten.
        noted: How many of them wait, and how many places they claim, as all keys took note of it.
    """

    __slots__ = ("asking", "branches", "is_in_use", "key", "noted")

    def __init__(self, branches: "Branches[K, C]", key: K) -> None:
        factory = partial(branches.terms.factory, key)
        super().__init__(
            branches.branch_terms,
            factory,
            branches.ledger,
            branches.tasks,
            branches.agenda,
            beside=branches.home,
        )
        self.branches = branches
        self.key = key
        self.is_in_use: bool = False
        self.asking: int = 0
        self.noted: tuple[int, int] = NOTHING
        self.connector.may_own = branches.may_own
        self.closed_lent = branches.closed_lent
        self.ready = []  # none is lent without a look at `home`, which another key may have set
        self.settle()

    @property
    def whose(self) -> str:
        return f" for {self.key!r}, which has {self.total} of at most {self.max_connections},"

    def demand(self) -> tuple[int, int, int, int]:
        """Tell how many places it has, how many tasks wait, and how many more places it claims and needs.

        Those who wait could use so many now; they claim those, and others when the places of its own are free
        that will be.
        """
        total, in_line = self.total, len(self.lot)
        needs = self._usable(total, in_line)
        own = self.closing - self.replacing
        claims = self._usable(total - own, in_line) if own else needs
        return total, in_line + len(self.trying), claims, needs

    def _usable(self, total: int, in_line: int) -> int:
        if not in_line:
            return 0
        spare = self.max_connections - total
        if self.failing:
            spare = min(spare, 1 - self.opening)
        return max(0, min(in_line, spare))

    @property
    def queue_length(self) -> int:
        return self.branches.waiting

    def again(self) -> "Branch[K, C]":
        return self.branches.branch(self.key)

    def lend(self, lease: Any) -> Loan[C]:
        if not self.is_in_use:
            branch = self.branches.in_use(self)
            if branch is not self:
                lease.lender = branch
                return branch.lend(lease)
        self.asking += 1
        try:
            loan = super().lend(lease)
        except BaseException:
            self._stop_asking()
            raise
        if not isinstance(loan, Slot):
            return self._lend_later(loan)
        self.asking -= 1
        return loan

    async def _lend_later(self, loan: Coroutine[Any, Any, Slot[C]]) -> Slot[C]:
        try:
            slot = await loan
        except BaseException:
            self._stop_asking()
            raise
        self.asking -= 1
        return slot

    def _stop_asking(self) -> None:
        """One got none: it waits no longer, and the key may be needed no more."""
        self.asking -= 1
        if self.noted != NOTHING:
            self.branches.note(self)
        if not self.asking:
            self.branches.forget_if_idle(self)

    def about_to_wait(self) -> None:
        may_open = not (self.failing and self.opening)
        if may_open and self.total - self.closing + self.replacing < self.max_connections:
            self.branches.make_room(1)
            if self.branches.closing > self.branches.claimed:
                return  # it does not wait for others, but for the place of an idle one
        super().about_to_wait()

    def has(self, connection: C) -> bool:
        return id(connection) in self.branches.branch_of

    def queue_up(self, lot: ParkingLot[Grant[C]]) -> Ticket:
        ticket = super().queue_up(lot)
        self.branches.note(self)
        return ticket

    async def pause(self) -> Slot[C] | None:
        try:
            return await super().pause()
        finally:
            self.branches.note(self)

    def wake(self, grant: Grant[C]) -> bool:
        has_woken = super().wake(grant)
        if has_woken:
            self.branches.note(self)
        return has_woken

    def reserve(self) -> bool:
        if not self.branches.has_place or not super().reserve():
            return False
        self.branches.taken += 1
        self.branches.note(self)
        return True

    def unreserve(self) -> None:
        super().unreserve()
        self.branches.taken -= 1

    def opened(self, slot: Slot[C]) -> None:
        was_failing = self.failing
        super().opened(slot)
        self.branches.branch_of[id(slot.connection)] = self
        if was_failing:
            self.branches.make_room()

    def not_opened(self) -> None:
        super().not_opened()
        self.branches.make_room()

    def retire(self, slot: Slot[C]) -> None:
        super().retire(slot)
        self.branches.closing += 1
        self.branches.note(self)  # it claims the place that will be free
        del self.branches.branch_of[id(slot.connection)]

    def given_up(self) -> None:
        super().given_up()
        self.branches.closing += 1
        self.branches.note(self)

    def gone(self) -> None:
        self.branches.closing -= 1
        self.branches.taken -= 1
        super().gone()

    def keep_place(self) -> None:
        super().keep_place()
        self.branches.closing -= 1

    def leave_place(self) -> None:
        super().leave_place()
        self.branches.closing += 1
        self.branches.note(self)

    def pass_places_on(self) -> None:
        self.branches.note(self)
        self.branches.pass_places_on()
        self.settle()

    def settle(self) -> None:
        super().settle()
        self.calm = self.flows = False  # another key may wait for what comes back

    def give_back(self, slot: Slot[C]) -> None:
        if not self.closed and self.branches.others_come_first(self):
            self.retire(slot)
            self.start_closing(slot)
            return
        super().give_back(slot)
        self.branches.rested(self)

    def lessened(self) -> None:
        super().lessened()
        self.branches.forget_if_idle(self)

    def statistics(self) -> PoolStatistics:
        return self.branches.statistics()
