"""Trying the orders of a scenario one after the other, none twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class OrderTree:
    """The orders that have not been tried.

    Each order is what it does unlike `fifo`. A run shows where choices are; those after its last deviation
    give the next orders. So each order comes up once, and all come up in the end.

    Args:
        deepest_first: Vary the end of a run first (depth-first); else the orders that deviate least come
        first.
    """

    __slots__ = ("_deepest_first", "_untried")

    def __init__(self, *, deepest_first: bool) -> None:
        self._deepest_first = deepest_first
        self._untried: deque[dict[int, int]] = deque([{}])

    def __bool__(self) -> bool:
        return bool(self._untried)

    def take(self) -> dict[int, int]:
        """The deviations of the next order to try."""
        return self._untried.pop() if self._deepest_first else self._untried.popleft()

    def grow(self, tried: dict[int, int], branches: Sequence[tuple[int, int]], room: int) -> None:
        """Add the orders that begin like the one that was tried; no more than *room* are of use."""
        for choice in range(max(tried, default=-1) + 1, len(branches)):
            for taken in range(1, branches[choice][0]):
                if not self._deepest_first and len(self._untried) >= room:
                    return
                self._untried.append(tried | {choice: taken})
