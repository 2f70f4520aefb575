"""The items that wait for a worker, and the submitters that wait for room among them."""

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, Protocol, TypeVar

from anyio import ClosedResourceError

from pynector.concurrency.task.lowlevel import ParkingLot

from .item_handle import ItemHandle

# pyright: reportPrivateUsage=false

Handle = ItemHandle[Any, Any]
H = TypeVar("H", bound=Handle)

NO_LIMIT = 2**30 - 1
"""More than fit in memory. A whole number, and the largest that CPython compares the quick way."""


class Line(Protocol[H]):
    """Items in the order in which they are to be worked on; a `deque` is one."""

    def append(self, handle: H, /) -> None: ...
    def popleft(self) -> H: ...
    def remove(self, handle: H, /) -> None: ...
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

    def remove(self, handle: H, /) -> None:
        self._heap = [entry for entry in self._heap if entry[2] is not handle]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        self._heap.clear()

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[H]:
        return (entry[2] for entry in sorted(self._heap, key=lambda entry: entry[:2]))


class Backlog(Generic[H]):
    """A bounded queue. It decides, and never waits.

    Invariant: `len(line) + promised <= limit`, and equal to it while a submitter waits: whoever takes an item
    promises the room to the first of them. So a newcomer finds room only if nobody waits.

    Attributes:
        line: The items.
        capacity: How many may be in the line before one more must wait; none while closed.
        room: Where submitters wait: while some do, `let_in` is to be called after taking an item.
    """

    __slots__ = ("_limit", "capacity", "line", "room")

    def __init__(self, limit: int | None, *, by_priority: bool) -> None:
        self.line: Line[H] = PriorityLine[H]() if by_priority else deque[H]()
        self.capacity: int = 0
        self.room: ParkingLot[None] = ParkingLot("WorkerPool")
        self._limit = NO_LIMIT if limit is None else limit

    def open(self) -> None:
        """Take items from now on."""
        self.capacity = self._limit

    def close(self, refusal: Callable[[], ClosedResourceError]) -> None:
        """Take none any more, and turn away all who wait for room, each with what *refusal* gives."""
        self.capacity = -NO_LIMIT
        self.room.fail_all(refusal)

    def wait_for_room(self) -> Coroutine[Any, Any, None]:
        """Wait until there is room for one item, which is then promised to the caller: see `keep_promise`."""
        return self.room.park(self._give_back)

    def keep_promise(self) -> None:
        """The submitter that was promised room has come, and puts its item in now."""
        self.capacity += 1

    def drop(self, handle: H) -> None:
        """Take out *handle*, which is in."""
        self.line.remove(handle)
        self.let_in()

    def clear(self) -> list[H]:
        """Take all out, in order."""
        handles = list(self.line)
        self.line.clear()
        return handles

    def let_in(self) -> None:
        """Promise what room there is to those who wait, first come, first served."""
        while self.room.queue and len(self.line) < self.capacity:
            if self.room.unpark(None) is not None:
                self.capacity -= 1

    def _give_back(self, _: None) -> None:
        self.capacity += 1
        self.let_in()
