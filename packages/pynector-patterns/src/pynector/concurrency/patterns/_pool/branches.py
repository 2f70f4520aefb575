"""The pools of all keys, and the places that they share."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

from pynector.concurrency.task.lowlevel import operation_budget

from .branch import Branch
from .ledger import Ledger
from .own_tasks import OwnTasks
from .refusal import closed_pool, foreign_connection
from .slot import Slot
from .statistics import PoolStatistics
from .terms import Terms

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")


class Branches(Generic[K, C]):
    """Shares a number of places between keys.

    A place that becomes free goes to the key with the fewest connections, of equal ones in turn. A connection
    that comes back goes to the next who waits for its key, or becomes idle, unless a key that has fewer
    connections waits for a place: then it is closed to make room. So is an idle one, of the key that has
    rested longest.

    Args:
        terms: What was said when the pool was made.
        max_per_key: The most connections of one key.
        tasks: Where connections are closed, and who waits is looked after.
        on_change: Called when there is a connection more or less.
    """

    def __init__(
        self, terms: Terms[C], max_per_key: int, tasks: OwnTasks, on_change: Callable[[], object]
    ) -> None:
        self.terms = terms
        self.branch_terms = replace(terms, max_connections=max_per_key)
        self.tasks = tasks
        self.on_change = on_change
        self.ledger = Ledger(terms.watch)
        self.budget: Iterator[bool] = operation_budget()
        self.may_own = False
        self.closed = False
        self.taken = 0
        """Connections, and places that are kept for one, of all keys: never more than there may be."""
        self.branch_of: dict[int, Branch[K, C]] = {}
        """Which key a connection belongs to, by the `id` of the connection."""
        self._by_key: OrderedDict[K, Branch[K, C]] = OrderedDict()  # that which rests longest first
        self._asking: OrderedDict[Branch[K, C], int] = OrderedDict()  # whose turn it is first

    @property
    def has_place(self) -> bool:
        """Whether one more connection may be opened."""
        return self.taken < self.terms.max_connections

    def all(self) -> tuple[Branch[K, C], ...]:
        """Give the pools of all keys that are in use."""
        return tuple(self._by_key.values())

    def branch(self, key: K) -> Branch[K, C]:
        """Give the pool of a key, a new one if need be. Of a closed pool it is closed, and refuses."""
        branch = self._by_key.get(key)
        if branch is None:
            branch = Branch(self, key)
            if self.closed:
                branch.shut()
            else:
                self._by_key[key] = branch
        return branch

    def check_open(self) -> None:
        """Refuse to work when the pool is closed."""
        if self.closed:
            raise closed_pool()

    def begin(self, branch: Branch[K, C]) -> None:
        """A task asks for a connection that was not idle."""
        self._asking[branch] = self._asking.get(branch, 0) + 1

    def end(self, branch: Branch[K, C]) -> None:
        """A task that asked goes on, with or without one."""
        self._asking[branch] -= 1
        if not self._asking[branch]:
            del self._asking[branch]
            self.forget_if_idle(branch)

    def forget_if_idle(self, branch: Branch[K, C]) -> None:
        """Forget a key that has no connection, and that nobody asks for."""
        if not branch.total and branch not in self._asking and not self.closed:
            self.ledger.leases += branch.leases
            branch.leases = 0
            branch.patience.dismiss()
            self._by_key.pop(branch.key, None)

    def pass_places_on(self) -> None:
        """Let those who wait open connections in the places that are free: fewest first, then in turn."""
        branches = list(self._asking) if self.has_place else []
        while self.has_place and branches:
            branch = min(branches, key=connections)
            if branch.offer_place():
                self._asking.move_to_end(branch)
            else:
                branches.remove(branch)

    def others_come_first(self, branch: Branch[K, C]) -> bool:
        """Whether a connection of this key is to make room for another key."""
        if self.has_place:
            return False
        others = [other for other in self._asking if other.needs and goes_before(other, branch)]
        return sum(other.needs for other in others) > self._closing

    def rested(self, branch: Branch[K, C]) -> None:
        """A connection of this key came back."""
        self._by_key.move_to_end(branch.key)

    def make_room(self, more: int) -> None:
        """Close idle connections for those who wait for a place, and for *more* who are about to."""
        if self.has_place:
            return
        wanted = more + sum(branch.needs for branch in self._asking) - self._closing
        for branch in self.all():
            while wanted > 0 and branch.idle:
                slot = branch.idle[0]
                branch.retire_idle(slot)
                branch.start_closing(slot)
                wanted -= 1

    def shut(self) -> None:
        """Lend no more."""
        self.closed = True
        for branch in self.all():
            branch.shut()

    def lent_slot(self, connection: C) -> tuple[Branch[K, C], Slot[C]] | None:
        """Find what belongs to a lent connection; None if the pool has closed it meanwhile.

        Raises:
            RuntimeError: it is not lent, or of another pool.
        """
        branch = self.branch_of.get(id(connection))
        if branch is None:
            branch = next((each for each in self.all() if id(connection) in each.closed_lent), None)
        if branch is None:
            raise foreign_connection()
        slot = branch.lent_slot(connection)
        return None if slot is None else (branch, slot)

    def statistics(self) -> PoolStatistics:
        """Give the numbers of now, all keys taken together."""
        return self.ledger.statistics(self.all(), self.terms.max_connections)

    @property
    def _closing(self) -> int:
        return sum(branch.closing for branch in self.all())


def connections(branch: Branch[Any, Any]) -> int:
    """Tell how many connections a key has, and places for them."""
    return branch.total


def goes_before(other: Branch[Any, Any], branch: Branch[Any, Any]) -> bool:
    """Whether a key that needs a place shall have one of another key's.

    Yes, while it has fewer even then; and if it has none at all, when it is its turn.
    """
    if not other.total:
        return branch.total > 1 or other.oldest_wait() < branch.oldest_wait()
    return other.total + 1 < branch.total
