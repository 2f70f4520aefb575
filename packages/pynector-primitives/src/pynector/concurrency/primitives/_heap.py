"""Items by priority."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Entry = tuple[Any, int, T]


class Heap(Generic[T]):
    """Entries that leave by their keys, the lowest first; equal ones in the order in which they came."""

    __slots__ = ("_entries", "_kept", "_key", "_numbers")

    def __init__(self, key: Callable[[T], Any] | None) -> None:
        self._key = key
        self._entries: list[Entry[T]] = []
        self._kept = 0
        self._numbers = count()

    def __len__(self) -> int:
        """The number of entries, kept places included."""
        return len(self._entries) + self._kept

    def ready(self) -> bool:
        """Tell whether an entry is there; a kept place has no priority yet, and holds nobody up."""
        return bool(self._entries)

    def wrap(self, item: T) -> Entry[T]:
        """Give the entry for *item*; the number settles a tie, so that no more than keys are compared."""
        return item if self._key is None else self._key(item), next(self._numbers), item

    def unwrap(self, entry: Entry[T]) -> T:
        """Give the item of *entry*."""
        return entry[2]

    def add(self, entry: Entry[T]) -> None:
        """Put *entry* where its key belongs."""
        if self._entries:
            _ = entry < self._entries[0]  # raises before heappush() does, which would leave the entry inside
        heappush(self._entries, entry)

    def add_back(self, entry: Entry[T]) -> None:
        """Put *entry*, which was taken out, where it was."""
        self.add(entry)

    def take(self) -> Entry[T]:
        """Take the first entry out, which must be ready."""
        return heappop(self._entries)

    def take_all(self) -> list[Entry[T]]:
        """Take all entries out, in order; places that were kept are gone."""
        entries, self._entries = sorted(self._entries), []
        self._kept = 0
        return entries

    def keep_place(self) -> None:
        """Keep a place for an entry to come."""
        self._kept += 1

    def fill(self, _: None, entry: Entry[T]) -> None:
        """Put *entry* in a place that was kept."""
        self.add(entry)
        self._kept -= 1

    def drop(self, _: None) -> None:
        """Keep one place less."""
        self._kept -= 1
