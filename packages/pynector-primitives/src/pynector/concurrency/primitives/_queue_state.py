"""What is in a queue, who waits for it, and who gets what; nothing here waits."""

import math
from collections.abc import Iterator
from itertools import count
from typing import Any, Generic, Literal, TypeVar

from anyio import ClosedResourceError

from pynector.concurrency.task.lowlevel import ParkingLot

from ._held_block import budget_for
from ._line import Line
from ._sorted_line import SortedLine

T = TypeVar("T")


class QueueState(Generic[T]):
    """The bookkeeping of a queue. An entry is what the store keeps for an item.

    Invariants: a task waits in `putters` only while no place is free, and in `getters` only while no entry is
    ready. A place that was given to a task in `putters` counts as taken until that task has run. An entry
    that was handed to a task in `getters` is on its way until that task has run.
    """

    __slots__ = (
        "_name",
        "_numbers",
        "_on_way",
        "_places",
        "_store",
        "_taken",
        "budget",
        "getters",
        "joiners",
        "max_size",
        "phase",
        "putters",
    )

    def __init__(self, name: str, store: Line[T] | SortedLine[T], max_size: int | None, fast: bool) -> None:
        self._name = name
        self._store: Any = store
        self.max_size: int | None = max_size
        self._places = math.inf if max_size is None else max_size
        self._taken = 0  # and not done
        self._on_way: dict[int, Any] = {}  # entries by the numbers that were handed over for them
        self._numbers = count()
        self.budget: Iterator[bool] = budget_for(fast)
        self.phase: Literal["open", "closed", "shut"] = "open"
        self.getters: ParkingLot[int] = ParkingLot(f"{name}.get")
        self.putters: ParkingLot[Any] = ParkingLot(f"{name}.put", beside=self.getters)
        self.joiners: ParkingLot[None] = ParkingLot(f"{name}.join", beside=self.getters)

    def __len__(self) -> int:
        return len(self._store)

    @property
    def full(self) -> bool:
        """Whether no place is free."""
        return len(self._store) >= self._places

    @property
    def ready(self) -> bool:
        """Whether an entry can be taken out."""
        return self._store.ready()  # type: ignore[no-any-return]

    @property
    def unfinished(self) -> int:
        """How many entries were taken out, or are on their way, and are not done."""
        return self._taken + len(self._on_way)

    @property
    def idle(self) -> bool:
        """Whether it is empty and all is done."""
        return not (self._taken or self._on_way or len(self._store))

    def check_home(self, doing: str) -> None:
        """Make sure that this is the event loop that the queue belongs to."""
        self.getters.check_home(doing)

    def check_open(self, doing: str) -> None:
        """Make sure that an item may be put in."""
        self.check_home(doing)
        if self.phase != "open":
            raise self._closed_error()

    def check_not_over(self, doing: str) -> None:
        """Make sure that there is an item, or may come one."""
        self.check_home(doing)
        if self.phase != "open" and not len(self._store):
            raise self._closed_error()

    def wrap(self, item: T) -> Any:
        """Give the entry for *item*."""
        return self._store.wrap(item)

    def unwrap(self, entry: Any) -> T:
        """Give the item of *entry*."""
        return self._store.unwrap(entry)  # type: ignore[no-any-return]

    def add(self, entry: Any) -> None:
        """Put *entry* in a free place."""
        self._store.add(entry)
        if len(self.getters):
            self._deliver()

    def fill(self, place: Any, entry: Any) -> None:
        """Put *entry* in the place that was given to a task in `putters`."""
        if self.phase == "shut":
            raise self._closed_error()
        try:
            self._store.fill(place, entry)
        except BaseException:  # a priority that cannot be compared
            self.give_place_back(place)
            raise
        self._deliver()

    def give_place_back(self, place: Any) -> None:
        """Give *place*, which was given to a task in `putters`, to the next one there, or leave it free."""
        if self.phase != "shut" and self.putters.unpark(place) is None:
            self._store.drop(place)
            self._deliver()
            self._settle()

    def take(self) -> Any:
        """Take the first entry out, which must be ready."""
        entry = self._store.take()
        self._taken += 1
        self._let_in()
        return entry

    def receive(self, number: int) -> Any:
        """Take the entry that was handed to a task in `getters`, which runs now."""
        if number not in self._on_way:
            raise self._closed_error()  # `shut` was faster
        self._taken += 1
        return self._on_way.pop(number)

    def put_back(self, number: int) -> None:
        """Put what was handed to a task in `getters` back where it was, or hand it to the next."""
        if number in self._on_way:
            self._store.add_back(self._on_way.pop(number))
            self._deliver()

    def done(self) -> None:
        """Count an entry that was taken out as done."""
        self._taken -= 1
        self._settle()

    def close(self) -> None:
        """Let nothing more in."""
        self.check_home("close()")
        if self.phase == "open":
            self.phase = "closed"
            self.putters.fail_all(self._closed_error)
            self._settle()

    def shut(self) -> list[T]:
        """Let nothing more in, and take all out, also what is on its way."""
        self.close()
        self.phase = "shut"
        entries = [*self._on_way.values(), *self._store.take_all()]
        self._on_way.clear()
        self._settle()
        return [self.unwrap(entry) for entry in entries]

    def _deliver(self) -> None:
        """Hand the entries that are ready to those who wait for one."""
        while len(self.getters) and self._store.ready():
            entry, number = self._store.take(), next(self._numbers)
            if self.getters.wake_first(number) is None:
                self._store.add_back(entry)
                return
            self._on_way[number] = entry
            self._let_in()

    def _let_in(self) -> None:
        """Give the places that are free to those who wait for one."""
        while len(self.putters) and not self.full:
            place = self._store.keep_place()
            if self.putters.wake_first(place) is None:
                self._store.drop(place)
                return

    def _settle(self) -> None:
        """Wake those who wait for what cannot come any more, and those who wait until all is done."""
        if self.phase != "open" and not len(self._store):
            self.getters.fail_all(self._closed_error)
        if len(self.joiners) and self.idle:
            self.joiners.unpark_all(None)

    def _closed_error(self) -> ClosedResourceError:
        return ClosedResourceError(f"{self._name} is closed")
