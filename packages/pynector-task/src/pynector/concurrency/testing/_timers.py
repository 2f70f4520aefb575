"""The timers of a controlled event loop."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class Timers:
    """Timers in the order of their times, and of their making where these are the same."""

    __slots__ = ("_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()

    def add(self, timer: asyncio.TimerHandle) -> None:
        """Add a timer."""
        heapq.heappush(self._heap, (timer.when(), next(self._numbers), timer))

    def next_time(self) -> float | None:
        """When the next timer is due that has not been cancelled."""
        while self._heap and self._heap[0][2].cancelled():
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[asyncio.TimerHandle]:
        """Take out the timers that are due."""
        due: list[asyncio.TimerHandle] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due

    def clear(self) -> None:
        """Drop all of them."""
        self._heap.clear()
