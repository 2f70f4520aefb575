"""The items of a queue and its waiters: decisions without waiting."""

import math
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from typing import Any, Generic, Literal, TypeVar

from anyio import ClosedResourceError

from pynector.concurrency.task.lowlevel import LoopBound, ParkingLot

from ._fast_acquire import budget_for
from ._stores import Line, SortedLine

T = TypeVar("T")


class QueueState(Generic[T]):
    """The bookkeeping of a queue. An entry is what the store keeps for an item.

    Invariants: a task waits in `putters` only while no place is free, and in `getters` only while no entry is
    ready. A place that was given to a task in `putters` counts as taken until that task has run. An entry
    that was handed to a task in `getters` is on its way until that task has run.
    """

    __slots__ = (
        "_budget",
        "_joiners",
        "_loop_bound",
        "_name",
        "_numbers",
        "_on_way",
        "_places",
        "_store",
        "_taken",
        "getters",
        "max_size",
        "phase",
        "putters",
        "unwrap",
        "wrap",
    )

    def __init__(self, name: str, store: Line[T] | SortedLine[T], max_size: int | None, fast: bool) -> None:
        self._name = name
        self._loop_bound = loop_bound = LoopBound(name)
        self._store: Any = store
        self.wrap: Callable[[T], Any] | None = store.wrap
        """Returns the entry for an item; None if that is the item itself. So does `unwrap` the other way."""
        self.unwrap: Callable[[Any], T] | None = store.unwrap
        self.max_size: int | None = max_size
        self._places = math.inf if max_size is None else max_size
        self._taken = 0  # and not done
        self._on_way: dict[int, Any] = {}  # entries by the numbers that were handed over for them
        self._numbers = count()
        self._budget: Iterator[bool] = budget_for(fast)
        self.phase: Literal["open", "closed", "shut"] = "open"
        self.getters: ParkingLot[int] = ParkingLot(f"{name}.get", same_loop_as=loop_bound)
        self.putters: ParkingLot[Any] = ParkingLot(f"{name}.put", same_loop_as=loop_bound)
        self._joiners: ParkingLot[None] = ParkingLot(f"{name}.join", same_loop_as=loop_bound)

    def __len__(self) -> int:
        return len(self._store)

    @property
    def unfinished(self) -> int:
        """How many entries were taken out, or are on their way, and are not done."""
        return self._taken + len(self._on_way)

    @property
    def idle(self) -> bool:
        """Whether it is empty and all is done."""
        return not (self._taken or self._on_way or len(self._store))

    def check_loop(self, doing: str) -> None:
        """Make sure that this is the event loop that the queue belongs to."""
        self._loop_bound.check_loop(doing)

    def has_place(self, doing: str) -> bool:
        """Return whether an entry may be added.

        Raises:
            anyio.ClosedResourceError: nothing may be put in any more.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        if self._loop_bound.loop is not None:
            self._loop_bound.check_loop(doing)
        if self.phase != "open":
            raise self._closed_error()
        return len(self._store) < self._places

    def has_entry(self, doing: str) -> bool:
        """Return whether an entry may be taken out.

        Raises:
            anyio.ClosedResourceError: there is none, and none can come any more.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        if self._loop_bound.loop is not None:
            self._loop_bound.check_loop(doing)
        store = self._store
        # Where no place is kept, a deque knows it by itself, and at a part of the cost.
        if store.ready() if store.kept else len(store):
            return True
        if self.phase != "open" and not len(store):
            raise self._closed_error()
        return False

    def may_add(self) -> bool:
        """Return whether an entry may be added as it is: at once, and without a checkpoint."""
        if self.phase != "open" or len(self._store) >= self._places or next(self._budget):
            return False
        loop_bound = self._loop_bound
        try:
            return loop_bound.loop is None or loop_bound.current_loop() is loop_bound.loop
        except RuntimeError:
            return False

    def may_take(self) -> bool:
        """Return whether an entry may be taken out as it is: at once, and without a checkpoint."""
        store = self._store
        if not (store.ready() if store.kept else len(store)) or next(self._budget):
            return False
        loop_bound = self._loop_bound
        try:
            return loop_bound.loop is None or loop_bound.current_loop() is loop_bound.loop
        except RuntimeError:
            return False

    def wait_for_place(self) -> Coroutine[Any, Any, Any]:
        """Wait for a place, to be filled with `fill`; while none is free."""
        return self.putters.park(self._give_place_back)

    def wait_for_entry(self) -> Coroutine[Any, Any, int]:
        """Wait for the number of an entry, to be got with `receive`; while none is ready."""
        return self.getters.park(self._put_back)

    def wait_until_idle(self) -> Coroutine[Any, Any, None]:
        """Wait until it is empty and all is done; while it is not so."""
        return self._joiners.park(_nothing)

    def add(self, entry: Any) -> None:
        """Put *entry* in a free place."""
        self._store.append(entry)
        if self.getters.queue:
            self._deliver()

    def fill(self, place: Any, entry: Any) -> None:
        """Put *entry* in the place that was given to a task in `putters`."""
        if self.phase == "shut":
            raise self._closed_error()
        try:
            self._store.fill(place, entry)
        except BaseException:  # a priority that cannot be compared
            self._give_place_back(place)
            raise
        self._deliver()

    def _give_place_back(self, place: Any) -> None:
        """Hand *place*, which was handed to a task in `putters`, to the next one there, or leave it free."""
        if self.phase != "shut" and self.putters.unpark(place) is None:
            self._store.drop(place)
            self._deliver()
            self._settle()

    def take(self) -> Any:
        """Take the first entry out, which must be ready."""
        entry = self._store.take()
        self._taken += 1
        if self.putters.queue:
            self._let_in()
        if self.phase != "open":
            self._settle()
        return entry

    def take_for_good(self) -> Any:
        """Take the first entry out, which must be ready, and count it as done."""
        store = self._store
        entry = store.take() if store.kept else store.popleft()
        if self.putters.queue:
            self._let_in()
        if self._joiners.queue or self.phase != "open":
            self._settle()
        return entry

    def receive(self, number: int) -> Any:
        """Take the entry that was handed to a task in `getters`, which runs now."""
        if number not in self._on_way:
            raise self._closed_error()  # `shut` was faster
        self._taken += 1
        entry = self._on_way.pop(number)
        if self.phase != "open":
            self._settle()
        return entry

    def _put_back(self, number: int) -> None:
        """Put what was handed to a task in `getters` back where it was, or hand it to the next."""
        if number in self._on_way:
            self._store.add_back(self._on_way.pop(number))
            self._deliver()

    def done(self) -> None:
        """Count an entry that was taken out as done."""
        self._taken -= 1
        self._settle()

    def close(self) -> None:
        """Refuse further entries."""
        self.check_loop("close()")
        if self.phase == "open":
            self.phase = "closed"
            self.putters.fail_all(self._closed_error)
            self._settle()

    def shut(self) -> list[T]:
        """Refuse further entries, and take all out, including those on their way to a task."""
        self.close()
        self.phase = "shut"
        entries = [*self._on_way.values(), *self._store.take_all()]
        self._on_way.clear()
        self._settle()
        return entries if self.unwrap is None else list(map(self.unwrap, entries))

    def _deliver(self) -> None:
        """Hand the entries that are ready to those who wait for one."""
        while self.getters.queue and self._store.ready():
            number = next(self._numbers)
            if self.getters.wake_first(number) is None:
                return
            self._on_way[number] = self._store.take()
            if self.putters.queue:
                self._let_in()

    def _let_in(self) -> None:
        """Hand the places that are free to the tasks who wait for one."""
        while len(self.putters) and len(self._store) < self._places:
            place = self._store.keep_place()
            if self.putters.wake_first(place) is None:
                self._store.drop(place)
                return

    def _settle(self) -> None:
        """Wake those who wait for what cannot come any more, and those who wait until all is done."""
        if self.phase != "open" and not len(self._store):
            self.getters.fail_all(self._closed_error)
        if self._joiners.queue and self.idle:
            self._joiners.unpark_all(None)

    def _closed_error(self) -> ClosedResourceError:
        return ClosedResourceError(f"{self._name} is closed")


def _nothing(_: None) -> None:
    """A task that waits until it is idle is handed nothing that could be lost."""
