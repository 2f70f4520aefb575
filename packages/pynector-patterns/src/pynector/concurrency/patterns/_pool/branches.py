"""The pools of all keys, and the places that they share."""

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

from pynector.concurrency.task.lowlevel import Resident, operation_budget

from .agenda import Agenda
from .branch import Branch
from .ledger import Ledger
from .lender import Lender
from .own_tasks import OwnTasks
from .refusal import closed_pool, foreign_connection
from .slot import Slot
from .statistics import PoolStatistics
from .terms import Terms
from .turns import Turns

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")


class Branches(Generic[K, C]):
    """Shares a number of places between keys.

    A place that becomes free goes to the key with the fewest connections, of equal ones in turn. A connection
    that comes back goes to the next who waits for its key, unless a key that has fewer connections waits for
    a place: then it is closed to make room. So it is if nobody waits for its key, but somebody for a place;
    and so is an idle one, of the key that has rested longest.

    Invariant: while a connection is idle, or a place is free, no task waits that could use the place, but for
    those that get one which is on its way to be free. (A host that is down is left alone, as in one pool.)

    Args:
        terms: What was said when the pool was made.
        max_per_key: The most connections of one key.
        tasks: Where connections are closed, and who waits is looked after.
        agenda: What is to be done for connections, and when.
    """

    def __init__(
        self, terms: Terms[C], max_per_key: int, tasks: OwnTasks, agenda: Agenda[Lender[Any]]
    ) -> None:
        self.terms = terms
        self.branch_terms = replace(terms, max_connections=max_per_key)
        self.tasks = tasks
        self.agenda = agenda
        self.ledger = Ledger(terms.watch)
        self.home = Resident("ConnectionPool")
        """The event loop that all keys belong to, once a task has waited for any."""
        self.budget: Iterator[bool] = operation_budget()
        self.may_own = False
        self.closed = False
        self.taken = 0
        """Connections, and places that are kept for one, of all keys: never more than there may be."""
        self.closing = 0
        """Those among them that will be free when a connection has been closed."""
        self.waiting = 0
        """How many tasks wait."""
        self.claimed = 0
        """How many more places they could use."""
        self.branch_of: dict[int, Branch[K, C]] = {}
        """Which key a connection belongs to, by the `id` of the connection."""
        self.closed_lent: dict[int, Slot[C]] = {}
        """What was closed while it was lent, until it comes back."""
        self._by_key: dict[K, Branch[K, C]] = {}
        self.turns: Turns[Branch[K, C]] = Turns()
        # Those that may have an idle connection, that which rests longest first.
        self._resting: OrderedDict[Branch[K, C], None] = OrderedDict()

    @property
    def has_place(self) -> bool:
        """Whether one more connection may be opened."""
        return self.taken < self.terms.max_connections

    def all(self) -> tuple[Branch[K, C], ...]:
        """Give the pools of all keys that are in use."""
        return tuple(self._by_key.values())

    def branch(self, key: K) -> Branch[K, C]:
        """Give the pool of a key. A new one is in use when it is asked for a connection; see `in_use`."""
        branch = self._by_key.get(key)
        return Branch(self, key) if branch is None else branch

    def in_use(self, branch: Branch[K, C]) -> Branch[K, C]:
        """Give the pool of the same key that is in use: *branch*, if none is. In a closed pool it is shut."""
        if self.closed:
            branch.shut()
            return branch
        used = self._by_key.setdefault(branch.key, branch)
        used.is_in_use = True
        return used

    def check_open(self) -> None:
        """Refuse to work when the pool is closed."""
        if self.closed:
            raise closed_pool()

    def note(self, branch: Branch[K, C]) -> None:
        """Take note of who waits for a key, and of the places that it needs.

        Called wherever more may be needed than before. Where it is less, that shows when a place is offered.
        """
        before = branch.noted
        total, waiting, claimed, needs = branch.demand()
        branch.noted = waiting, claimed
        self.waiting += waiting - before[0]
        self.claimed += claimed - before[1]
        self.turns.note(branch, total, needs)

    def forget_if_idle(self, branch: Branch[K, C]) -> None:
        """Forget a key that has no connection, and that nobody asks for."""
        if not (branch.total or branch.asking or self.closed):
            self.ledger.leases += branch.leases
            branch.leases = 0
            branch.patience.dismiss()
            self._by_key.pop(branch.key, None)
            branch.is_in_use = False
            self._resting.pop(branch, None)

    def pass_places_on(self) -> None:
        """Let those who wait open connections in the places that are free: fewest first, then in turn."""
        while self.has_place and (branch := self.turns.first()) is not None:
            if not branch.offer_place():
                self.turns.note(branch, branch.total, 0)  # all who waited were cancelled, or told to go

    def others_come_first(self, branch: Branch[K, C]) -> bool:
        """Whether a connection of this key, which comes back, is to make room for another key.

        Yes, if nobody waits for this key; while another has fewer even then; and if it has none at all, when
        it is its turn. But for those that get the place of one that is being closed.
        """
        if self.has_place or self.claimed <= self.closing:
            return False
        since = branch.oldest_wait()
        if since == math.inf:
            return self.claimed - branch.noted[1] > self.closing
        if branch.total > 1:
            return self.turns.wanted_by(branch.total - 2) > self.closing
        wanted = 0
        for other, needs in self.turns.with_none():
            if since <= other.oldest_wait() < math.inf:
                break  # those behind came later, or have had a turn
            wanted += needs
            if wanted > self.closing:
                return True
        return False

    def rested(self, branch: Branch[K, C]) -> None:
        """A connection of this key came back."""
        self._resting[branch] = None
        self._resting.move_to_end(branch)

    def make_room(self, more: int = 0) -> None:
        """Close idle connections for those who wait for a place, and for *more* who are about to.

        What is idle is needed by nobody: while no place is free, more are not claimed than will be.
        """
        if self.has_place or self.closed:
            return
        wanted = more + self.claimed - self.closing
        while wanted > 0 and self._resting:
            branch = next(iter(self._resting))
            if branch.idle:
                branch.start_closing(branch.retire_first())
                wanted -= 1
            else:
                del self._resting[branch]

    def shut(self) -> None:
        """Lend no more."""
        self.home.check_home("closing the pool")
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
            if self.closed_lent.pop(id(connection), None) is None:
                raise foreign_connection()
            return None
        slot = branch.lent_slot(connection)
        return None if slot is None else (branch, slot)

    def statistics(self) -> PoolStatistics:
        """Give the numbers of now, all keys taken together."""
        return self.ledger.statistics(self.all(), self.terms.max_connections)
