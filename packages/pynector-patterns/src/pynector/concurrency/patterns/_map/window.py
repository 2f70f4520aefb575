"""How far a bounded map may be ahead of its consumer."""

from typing import Generic, TypeVar

R = TypeVar("R")


class Window(Generic[R]):
    """Which item may be taken, and which result is the next to be given. It decides, and never waits.

    Invariant: `taken - given <= size`: so many items were taken from the input whose results the consumer has
    not got yet.

    Args:
        size: See above.
        ordered: Give results in the order in which items were taken; otherwise as they arrive.

    Attributes:
        has_ended: Whether the input has no more items.
    """

    __slots__ = ("_arrived", "_given", "_ordered", "_results", "_size", "_taken", "has_ended")

    def __init__(self, size: float, *, ordered: bool) -> None:
        self.has_ended: bool = False
        self._size = size
        self._ordered = ordered
        self._taken = 0
        self._arrived = 0
        self._given = 0
        self._results: dict[int, R] = {}

    def __repr__(self) -> str:
        return f"<Window {self._taken} taken, {self._arrived} arrived, {self._given} given>"

    @property
    def has_room(self) -> bool:
        """Whether an item may be taken."""
        return self._taken - self._given < self._size

    @property
    def has_result(self) -> bool:
        """Whether the next result is there."""
        return self._given in self._results

    @property
    def is_finished(self) -> bool:
        """Whether all results have been given."""
        return self.has_ended and self._given == self._taken

    def take(self) -> int:
        """Take an item; gives its place."""
        self._taken += 1
        return self._taken - 1

    def put(self, place: int, result: R) -> None:
        """Put in the result of the item at *place*."""
        self._results[place if self._ordered else self._arrived] = result
        self._arrived += 1

    def give(self) -> R:
        """Take out the next result, which is there."""
        result = self._results.pop(self._given)
        self._given += 1
        return result
