"""The timers of a controlled event loop."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from math import inf

from ._run import Run


class Timers:
    """Timers in the order of their times, and of their making where these are the same."""

    __slots__ = ("_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()

    def add(self, timer: asyncio.TimerHandle) -> None:
        """Add a timer."""
        heapq.heappush(self._heap, (timer.when(), next(self._numbers), timer))

    def jump(self, now: float, run: Run) -> float | None:
        """The time that comes after *now*: when the next timer is due, or one that it may be late for.

        None if no timer is left but those that are never due: `anyio.sleep_forever` makes one on asyncio.
        """
        while self._heap and self._heap[0][2].cancelled():
            heapq.heappop(self._heap)
        if not self._heap or self._heap[0][0] == inf:
            return None
        due = max(now, self._heap[0][0])
        if run.lateness:
            for later in self._times_between(due, run.latest(due)):
                if not run.is_late():
                    break
                due = later
        return due

    def _times_between(self, after: float, latest: float) -> list[float]:
        coming = (when for when, _, timer in self._heap if not timer.cancelled())
        return sorted({when for when in coming if after < when <= latest})

    def take_due(self, now: float) -> list[asyncio.TimerHandle]:
        """Take out the timers that are due."""
        due: list[asyncio.TimerHandle] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due

    def clear(self) -> None:
        """Drop all of them."""
        self._heap.clear()
