"""Items in order of arrival."""

from collections import deque
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Place(Generic[T]):
    """A place in a line that is kept for the item of a task that was let in, but has not run since."""

    __slots__ = ("filled", "item")

    item: T

    def __init__(self) -> None:
        self.filled = False


class Line(Generic[T]):
    """Entries that leave in the order in which they came, or in which a place was kept for them."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: deque[Any] = deque()  # entries and places

    def __len__(self) -> int:
        """The number of entries, kept places included."""
        return len(self._entries)

    def ready(self) -> bool:
        """Tell whether the first entry is there; no later one may go before."""
        if not self._entries:
            return False
        first = self._entries[0]
        return not isinstance(first, Place) or first.filled

    def wrap(self, item: T) -> T:
        """Give the entry for *item*."""
        return item

    def unwrap(self, entry: T) -> T:
        """Give the item of *entry*."""
        return entry

    def add(self, entry: T) -> None:
        """Put *entry* last."""
        self._entries.append(entry)

    def add_back(self, entry: T) -> None:
        """Put *entry*, which was taken out, where it was."""
        self._entries.appendleft(entry)

    def take(self) -> T:
        """Take the first entry out, which must be ready."""
        first = self._entries.popleft()
        return first.item if isinstance(first, Place) else first  # type: ignore[no-any-return]

    def take_all(self) -> list[T]:
        """Take all entries out; places that were kept are gone."""
        entries = list[T]()
        while self._entries:
            if self.ready():
                entries.append(self.take())
            else:
                self._entries.popleft()
        return entries

    def keep_place(self) -> Place[T]:
        """Keep the last place for an entry to come."""
        place = Place[T]()
        self._entries.append(place)
        return place

    def fill(self, place: Place[T], entry: T) -> None:
        """Put *entry* in *place*."""
        place.item = entry
        place.filled = True

    def drop(self, place: Place[T]) -> None:
        """Keep *place* no longer."""
        # By identity: deque.remove() would ask the items whether they are equal.
        for index, entry in enumerate(self._entries):
            if entry is place:
                del self._entries[index]
                return
