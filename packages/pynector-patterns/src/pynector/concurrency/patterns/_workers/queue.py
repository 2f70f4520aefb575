"""The items that wait for a worker, and the submitters that wait for room among them."""

# pyright: reportPrivateUsage=false

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, Protocol, TypeVar

from anyio import ClosedResourceError

from pynector.concurrency.task.lowlevel import ParkingLot

from .handle import ItemHandle, ItemStatus

Handle = ItemHandle[Any, Any]
H = TypeVar("H", bound=Handle)

NO_LIMIT = 2**30 - 1
"""More than fit in memory. A whole number, and the largest that CPython compares the quick way."""

CANCELLED = ItemStatus.CANCELLED


class Line(Protocol[H]):
    """Items in the order in which they are to be processed; a `deque` is one."""

    def append(self, handle: H, /) -> None: ...
    def popleft(self) -> H: ...
    def clear(self) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[H]: ...


class PriorityLine(Generic[H]):
    """Items of lower priority number first; those of the same in order of arrival."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, H]] = []
        self._arrivals = 0

    def append(self, handle: H, /) -> None:
        self._arrivals += 1
        heapq.heappush(self._heap, (getattr(handle, "priority", 0), self._arrivals, handle))

    def popleft(self) -> H:
        return heapq.heappop(self._heap)[2]

    def clear(self) -> None:
        self._heap.clear()

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[H]:
        return (entry[2] for entry in sorted(self._heap, key=lambda entry: entry[:2]))


class ItemQueue(Generic[H]):
    """A bounded queue. It decides, and never waits.

    An item that is cancelled stays in the line until a worker skips it, or most of the line is such items:
    to take one out of the middle would cost as much as there are.

    Invariant: `len(queue) + promised <= limit`, and equal to it while a submitter waits: taking an item
    promises its room to the submitter that has waited longest. So a newcomer finds room only if nobody waits.

    Attributes:
        line: The items, with those cancelled.
        capacity: How long the line may be before one more item must wait; none while closed.
        room: Where submitters wait: while some do, `admit` is to be called after taking an item.
    """

    __slots__ = ("_cancelled", "_limit", "capacity", "line", "room")

    def __init__(self, limit: int | None, *, by_priority: bool) -> None:
        self.line: Line[H] = PriorityLine[H]() if by_priority else deque[H]()
        self.capacity: int = 0
        self.room: ParkingLot[None] = ParkingLot("WorkerPool")
        self._limit = NO_LIMIT if limit is None else limit
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self.line) - self._cancelled

    def open(self) -> None:
        """Accept items from now on."""
        self.capacity = self._limit

    def close(self, refusal: Callable[[], ClosedResourceError]) -> None:
        """Accept none any more; each submitter that waits for room gets an error that *refusal* makes."""
        self.capacity = -NO_LIMIT
        self.room.fail_all(refusal)

    def wait_for_room(self) -> Coroutine[Any, Any, None]:
        """Wait until there is room for one item, which is then promised to the caller: see `keep_promise`."""
        return self.room.park(self._give_back)

    def keep_promise(self) -> None:
        """The submitter that was promised room puts its item in now."""
        self.capacity += 1

    def count_cancelled(self) -> None:
        """One of the items in the line has just been cancelled."""
        self._cancelled += 1
        self.capacity += 1
        if self._cancelled * 2 > len(self.line):
            waiting = [handle for handle in self.line if handle._stage is not CANCELLED]
            self.line.clear()
            for handle in waiting:
                self.line.append(handle)
            self.capacity -= self._cancelled
            self._cancelled = 0
        self.admit()

    def skip_cancelled(self) -> None:
        """A worker has taken an item that was cancelled."""
        self._cancelled -= 1
        self.capacity -= 1

    def clear(self) -> list[H]:
        """Take all out, and return those that were not cancelled, in order."""
        waiting = [handle for handle in self.line if handle._stage is not CANCELLED]
        self.line.clear()
        self.capacity -= self._cancelled
        self._cancelled = 0
        return waiting

    def admit(self) -> None:
        """Promise what room there is to the submitters that wait, in order of arrival."""
        while self.room.queue and len(self.line) < self.capacity:
            if self.room.unpark(None) is not None:
                self.capacity -= 1

    def _give_back(self, _: None) -> None:
        self.capacity += 1
        self.admit()
