"""What the pool decides, without waiting: which connection goes where, and who may open one."""

from collections import deque
from typing import Generic, Literal, TypeVar

from .slot import Grant, Slot, Turn

C = TypeVar("C")


class PoolState(Generic[C]):
    """The books of a pool. Each method is one whole step; nothing in here waits.

    Invariant: idle + lent + opening + closing <= max_connections, at every step. (After the maximum was
    lowered the sum may be above it; then it only falls.)

    Invariant: while a task waits no connection is idle and no place is free: both are handed over at once.
    (While the factory is failing, one place at a time is used to try it, and the others are left alone.)

    Args:
        max_connections: The most connections there may be.
        fifo: Lend the one that has been idle longest; otherwise the one used last.
        plain: A lease needs nothing but to be handed out and taken back.
        bounded: Only so many may wait.
    """

    __slots__ = (
        "_bounded",
        "_expired_lent",
        "_plain",
        "calm",
        "closed",
        "closing",
        "failing",
        "first",
        "flows",
        "idle",
        "leases",
        "max_connections",
        "opening",
        "ready",
        "replacing",
        "slots",
        "steady",
    )

    def __init__(
        self, max_connections: int, *, fifo: bool = False, plain: bool = True, bounded: bool = False
    ) -> None:
        self.max_connections: int = max_connections
        self.idle: list[Slot[C]] | deque[Slot[C]] = deque() if fifo else []
        """A list costs least, but for taking the first of many."""
        self.slots: dict[int, Slot[C]] = {}
        """The idle and the lent, by the `id` of the connection: it need not be hashable."""
        self.opening: int = 0
        self.closing: int = 0
        self.replacing: int = 0
        """How many are being closed whose places are kept to open others."""
        self.leases: int = 0
        self.failing: bool = False
        self.closed: bool = False
        self._plain = plain
        self._bounded = bounded
        self._expired_lent = 0
        self.first: Literal[0, -1] = 0 if fifo else -1
        """Which of the idle ones is lent next."""
        self.ready: list[Slot[C]] | deque[Slot[C]] = self.idle if plain else []
        """The idle ones, where they may be lent without a further look."""
        self.steady: bool = True
        """Whether a connection that comes back may stay, as far as the pool is concerned."""
        self.calm: bool = plain
        """Whether it may be lent again without a further look."""
        self.flows: bool = False
        """Whether one who finds none idle has to wait, without a further look: all places are taken."""

    def wake(self, grant: Grant[C]) -> bool:
        """Wake the first who waits with what it is granted; False if nobody could be woken."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """How many wait. One that was granted something does so no longer."""
        raise NotImplementedError

    @property
    def lent(self) -> int:
        """Connections that are neither idle nor being closed."""
        return len(self.slots) - len(self.idle)

    @property
    def total(self) -> int:
        """What the maximum bounds: connections, and places that are kept for one."""
        return len(self.slots) + self.opening + self.closing

    @property
    def staying(self) -> int:
        """What there will be: all but those that are being closed, and not to open others."""
        return len(self.slots) + self.opening + self.replacing

    def request(self) -> Grant[C] | None:
        """Give an idle connection, or a place to open one, or None: then the caller has to wait."""
        if self.idle:
            slot = self.idle[self.first]
            del self.idle[self.first]
            return slot
        return Turn.OPEN if self.reserve() else None

    def reserve(self) -> bool:
        """Keep a place to open a connection, if one is free."""
        if self.closed or self.total >= self.max_connections or (self.failing and self.opening):
            return False
        self.opening += 1
        return True

    def unreserve(self) -> None:
        """Leave a place that was kept."""
        self.opening -= 1

    def opened(self, slot: Slot[C]) -> None:
        """A connection was opened in the place that was kept for it. It counts as lent."""
        self.opening -= 1
        self.slots[id(slot.connection)] = slot
        if self.failing:
            self.failing = False
            self.pass_places_on()
        else:
            self.settle()

    def not_opened(self) -> None:
        """A place that was kept is not used: it goes to the next who waits."""
        self.unreserve()
        self.pass_places_on()

    def given_up(self) -> None:
        """Nothing was opened in a place that was kept, but it is not free until `gone`."""
        self.opening -= 1
        self.closing += 1

    def give_back(self, slot: Slot[C]) -> None:
        """A lent connection can be lent again: the first who waits gets it."""
        slot.lease = None
        if self.closed:
            self.came_late(slot)
        elif not self.wake(slot):
            self.idle.append(slot)

    def came_late(self, slot: Slot[C]) -> None:
        """A connection came back after the pool was closed."""
        raise NotImplementedError

    def retire(self, slot: Slot[C]) -> None:
        """A connection is to be closed. Its place is taken until that is done."""
        del self.slots[id(slot.connection)]
        slot.closed = True
        slot.lease = None
        self.closing += 1
        if slot.expired:
            self._expired_lent -= 1

    def retire_idle(self, slot: Slot[C]) -> None:
        """An idle connection is to be closed."""
        self.idle.remove(slot)
        self.retire(slot)

    def retire_first(self) -> Slot[C]:
        """The connection that has been idle longest is to be closed."""
        slot = self.idle[0]
        self.retire_idle(slot)
        return slot

    def gone(self) -> None:
        """A connection has been closed: its place goes to the next who waits."""
        self.closing -= 1
        self.pass_places_on()

    def keep_place(self) -> None:
        """The place of a connection that is being closed is kept to open another; call `replaced` then."""
        self.replacing += 1

    def leave_place(self) -> None:
        """A place that was kept while a connection is closed is not used; call `gone` then."""
        self.replacing -= 1

    def replaced(self) -> None:
        """A connection has been closed, and its place is kept to open another."""
        self.closing -= 1
        self.replacing -= 1
        self.opening += 1

    def expire(self, slot: Slot[C]) -> None:
        """A lent connection is not to be lent again."""
        if not slot.expired:
            slot.expired = True
            self._expired_lent += 1
            self.settle()

    def take_back(self, grant: Grant[C]) -> None:
        """Whoever was granted this cannot use it: the next gets it, or it would be lost for ever."""
        if grant is Turn.OPEN:
            self.not_opened()
        elif isinstance(grant, Slot) and not grant.closed:
            self.give_back(grant)

    def shut(self) -> None:
        """From now on nothing is lent or opened."""
        self.closed = True
        self.settle()

    def settle(self) -> None:
        """See anew whether connections may come back, and tasks wait, without a further look."""
        self.steady = not (self.closed or self._expired_lent or self.staying > self.max_connections)
        runs_well = self.steady and not self.failing
        self.calm = self._plain and runs_well
        self.flows = runs_well and not self._bounded and self.total == self.max_connections

    def pass_places_on(self) -> None:
        """Let those who wait open connections in the places that are free."""
        while self.offer_place():
            pass
        self.settle()

    def offer_place(self) -> bool:
        """Let the first who waits open a connection, if there is a place."""
        if not self.reserve():
            return False
        if not self.wake(Turn.OPEN):
            self.unreserve()
            return False
        return True
