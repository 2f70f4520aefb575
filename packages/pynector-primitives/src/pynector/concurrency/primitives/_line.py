"""Items in order of arrival."""

from collections import deque
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
