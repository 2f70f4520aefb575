"""The pool of one key."""

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from .lender import Lender
from .slot import Slot
from .statistics import PoolStatistics

if TYPE_CHECKING:
    from .branches import Branches

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")


class Branch(Lender[C], Generic[K, C]):
    """Lends the connections of one key, within the places that all keys share.

    Args:
        branches: All keys, and their places.
        key: This one.
    """

    __slots__ = ("branches", "key")

    def __init__(self, branches: "Branches[K, C]", key: K) -> None:
        factory = partial(branches.terms.factory, key)
        super().__init__(branches.branch_terms, factory, branches.ledger, branches.tasks)
        self.branches = branches
        self.key = key
        self.connector.may_own = branches.may_own
        self.on_change = branches.on_change
        self.settle()

    @property
    def whose(self) -> str:
        return f" for {self.key!r}, which has {self.total} of at most {self.max_connections},"

    @property
    def needs(self) -> int:
        """How many more places could be used by those who wait."""
        return min(len(self.lot), self.max_connections - self.total)

    async def lend(self, lease: object) -> Slot[C]:
        self.branches.begin(self)
        try:
            return await super().lend(lease)
        finally:
            self.branches.end(self)

    def about_to_wait(self) -> None:
        super().about_to_wait()
        if self.total < self.max_connections:
            self.branches.make_room(1)

    def reserve(self) -> bool:
        if not self.branches.has_place or not super().reserve():
            return False
        self.branches.taken += 1
        return True

    def unreserve(self) -> None:
        super().unreserve()
        self.branches.taken -= 1

    def opened(self, slot: Slot[C]) -> None:
        super().opened(slot)
        self.branches.branch_of[id(slot.connection)] = self

    def retire(self, slot: Slot[C]) -> None:
        super().retire(slot)
        del self.branches.branch_of[id(slot.connection)]

    def gone(self) -> None:
        self.branches.taken -= 1
        super().gone()

    def pass_places_on(self) -> None:
        self.branches.pass_places_on()
        self.settle()

    def settle(self) -> None:
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
