"""When to look at the connections of a pool."""

import math
from heapq import heapify, heappop, heappush
from typing import Any, Generic, Protocol, TypeVar

from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import current_time

from .slot import Slot

RETRY = 0.05
"""Seconds until the next look, at least, where nothing is known to end before."""

FEW = 64


class Looker(Protocol):
    """One whose connections are to be looked at."""

    def next_look(self, slot: Slot[Any], now: float) -> float:
        """When something may have to be done about a connection, at the earliest."""
        ...


W = TypeVar("W", bound=Looker)


class Agenda(Generic[W]):
    """All open connections, each with the time to look at it again.

    Using a connection moves nothing in here: when its time comes, it is seen how old it is by now, and when
    it could be too old. So it costs nothing to use one, and next to nothing to have many.

    Attributes:
        is_kept: Whether somebody looks; if not, there are none in here.
        bell: Set when the next look is due sooner than it was, or something else is to be done.
    """

    __slots__ = ("_added", "_entries", "_many", "bell", "is_kept")

    def __init__(self) -> None:
        self.is_kept: bool = False
        self.bell: Event = Event()
        self._entries: list[tuple[float, int, W, Slot[Any]]] = []
        self._added = 0
        self._many = FEW

    def close(self) -> None:
        """Nobody looks any more."""
        self.is_kept = False
        self._entries.clear()

    def add(self, whose: W, slot: Slot[Any]) -> None:
        """A connection was opened."""
        if self.is_kept:
            next_look = self.next_look()
            self.put(whose, slot, current_time())
            if self.next_look() < next_look:
                self.bell.set()

    def put(self, whose: W, slot: Slot[Any], now: float) -> None:
        """A connection was looked at, and is open."""
        when = whose.next_look(slot, now)
        if when < math.inf:
            self._added += 1  # so that entries of one time are in order
            heappush(self._entries, (when, self._added, whose, slot))
            if len(self._entries) > self._many:
                self._forget_closed()

    def next_look(self) -> float:
        """When to look again."""
        return self._entries[0][0] if self._entries else math.inf

    def take_due(self, now: float) -> list[tuple[W, Slot[Any]]]:
        """Take out those that are to be looked at now, and tell whose they are."""
        due: list[tuple[W, Slot[Any]]] = []
        while self.next_look() <= now:
            _, _, whose, slot = heappop(self._entries)
            if not slot.closed:
                due.append((whose, slot))
        return due

    def _forget_closed(self) -> None:
        # Each time twice as many as were left last time, so it costs little for each.
        self._entries = [entry for entry in self._entries if not entry[3].closed]
        heapify(self._entries)
        self._many = max(FEW, 2 * len(self._entries))
