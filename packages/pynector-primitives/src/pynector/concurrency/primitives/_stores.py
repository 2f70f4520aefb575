"""Items in order of arrival."""

from bisect import bisect, insort
from collections import deque
from collections.abc import Callable
from itertools import chain, count
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Place(Generic[T]):
    """A place in a line that is kept for the item of a task that was let in, but has not run since."""

    __slots__ = ("filled", "item")

    item: T
    filled: bool

    def __init__(self) -> None:
        self.filled = False


class Line(deque[Any], Generic[T]):
    """Entries that leave in the order in which they came, or in which a place was kept for them.

    `append` puts one in, and `popleft` takes the first one out while no place is kept.
    """

    __slots__ = ("kept",)

    kept: int
    """How many places are in it, filled or not."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = 0

    wrap = unwrap = None
    """An entry is the item itself."""

    def ready(self) -> bool:
        """Return whether the first entry is there; no later one may go before."""
        return bool(self) and (type(self[0]) is not Place or self[0].filled)

    def add_back(self, entry: T) -> None:
        """Put *entry*, which was taken out, where it was."""
        self.appendleft(entry)

    def take(self) -> T:
        """Take the first entry out, which must be ready."""
        first: Any = self.popleft()
        if type(first) is not Place:
            return first  # type: ignore[no-any-return]
        self.kept -= 1
        return first.item  # type: ignore[no-any-return]

    def take_all(self) -> list[T]:
        """Take all entries out; places that were kept are gone."""
        entries: list[T] = []
        while self:
            if self.ready():
                entries.append(self.take())
            else:
                self.popleft()
        self.kept = 0
        return entries

    def keep_place(self) -> Place[T]:
        """Keep the last place for an entry to come."""
        place: Place[T] = Place()
        self.append(place)
        self.kept += 1
        return place

    def fill(self, place: Place[T], entry: T) -> None:
        """Put *entry* in *place*."""
        place.item = entry
        place.filled = True

    def drop(self, place: Place[T]) -> None:
        """Keep *place* no longer."""
        # By identity: remove() would ask the items whether they are equal.
        for index, entry in enumerate(self):
            if entry is place:
                del self[index]
                self.kept -= 1
                return


Entry = tuple[Any, int, T]

CHUNK = 512
_last = itemgetter(-1)


class SortedLine(Generic[T]):
    """Entries that leave by their keys, the lowest first; equal ones in the order in which they came.

    An entry finds its place as it comes, before anything is changed; later it is not compared again. So where
    keys cannot be compared nothing is half done, and taking an entry out always succeeds. In a heap either
    may fail in the middle.
    """

    __slots__ = ("_chunks", "_key", "_numbers", "_size", "kept")

    def __init__(self, key: Callable[[T], Any] | None) -> None:
        self._key = key
        # Invariant: one after the other they are sorted, and only the last may be empty. In one long list it
        # would cost more to move the rest aside than to find the place.
        self._chunks: list[list[Entry[T]]] = [[]]
        self._size = 0
        self.kept: int = 0  # places
        self._numbers = count()

    def __len__(self) -> int:
        """The number of entries, kept places included."""
        return self._size + self.kept

    def ready(self) -> bool:
        """Return whether an entry is there; a kept place has no priority yet, and holds nobody up."""
        return self._size > 0

    def wrap(self, item: T) -> Entry[T]:
        """Return the entry for *item*; the number settles a tie, so that no more than keys are compared."""
        return item if self._key is None else self._key(item), next(self._numbers), item

    def unwrap(self, entry: Entry[T]) -> T:
        """Return the item of *entry*."""
        return entry[2]

    def append(self, entry: Entry[T]) -> None:
        """Put *entry* where its key belongs."""
        chunks = self._chunks
        place = bisect(chunks, entry, hi=len(chunks) - 1, key=_last) if len(chunks) > 1 else 0
        chunk = chunks[place]
        insort(chunk, entry)
        self._size += 1
        if len(chunk) > 2 * CHUNK:
            chunks[place : place + 1] = chunk[:CHUNK], chunk[CHUNK:]

    def add_back(self, entry: Entry[T]) -> None:
        """Put *entry*, which was taken out, where it was."""
        try:
            self.append(entry)
        except Exception:  # it cannot be compared with what came since: it was first, and is so again
            self._chunks[0].insert(0, entry)
            self._size += 1

    def take(self) -> Entry[T]:
        """Take the first entry out, which must be ready."""
        first = self._chunks[0]
        entry = first.pop(0)
        self._size -= 1
        if not first and len(self._chunks) > 1:
            del self._chunks[0]
        return entry

    popleft = take

    def take_all(self) -> list[Entry[T]]:
        """Take all entries out, in order; places that were kept are gone."""
        entries = list(chain.from_iterable(self._chunks))
        self._chunks = [[]]
        self._size = self.kept = 0
        return entries

    def keep_place(self) -> None:
        """Keep a place for an entry to come."""
        self.kept += 1

    def fill(self, _: None, entry: Entry[T]) -> None:
        """Put *entry* in a place that was kept."""
        self.append(entry)
        self.kept -= 1

    def drop(self, _: None) -> None:
        """Keep one place less."""
        self.kept -= 1
