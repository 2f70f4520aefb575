"""The items that wait for a worker, and the submitters that wait for room among them."""

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
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
    def extend(self, handles: Iterable[H], /) -> None: ...
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

    def extend(self, handles: Iterable[H], /) -> None:
        for handle in handles:
            self.append(handle)

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

    An item that is cancelled stays in the line, dead, until a worker comes to it, or until most of the line
    is dead: to take it out at once would cost as much as the line is long. Both *capacity* and the length of
    the line count it.

    Attributes:
        line: The items.
        capacity: How many may be in the line before one more must wait; none while closed.
        skipped: How many dead ones the workers have come to.
        room: Where submitters wait: while some do, `let_in` is to be called after taking an item.
    """

    __slots__ = ("_dead", "_limit", "capacity", "line", "room", "skipped")

    def __init__(self, limit: int | None, *, by_priority: bool) -> None:
        self.line: Line[H] = PriorityLine[H]() if by_priority else deque[H]()
        self.capacity: int = 0
        self.room: ParkingLot[None] = ParkingLot("WorkerPool")
        self.skipped: int = 0
        self._limit = NO_LIMIT if limit is None else limit
        self._dead = 0

    def __len__(self) -> int:
        """The number of items that wait for a worker."""
        return len(self.line) - self._dead

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

    def drop(self) -> None:
        """An item that is in the line was cancelled."""
        self._dead += 1
        self.capacity += 1
        if self._dead * 2 > len(self.line):
            alive = [handle for handle in self.line if not handle.done]
            self.line.clear()
            self.line.extend(alive)
            self._forget(self._dead)
        self.let_in()

    def skip(self) -> None:
        """A worker has come to an item that was cancelled."""
        self.skipped += 1
        self._forget(1)

    def clear(self) -> list[H]:
        """Take all out, in order."""
        handles = [handle for handle in self.line if not handle.done]
        self.line.clear()
        self._forget(self._dead)
        return handles

    def _forget(self, dead: int) -> None:
        self._dead -= dead
        self.capacity -= dead

    def let_in(self) -> None:
        """Promise what room there is to those who wait, first come, first served."""
        while self.room.queue and len(self.line) < self.capacity:
            if self.room.unpark(None) is not None:
                self.capacity -= 1

    def _give_back(self, _: None) -> None:
        self.capacity += 1
        self.let_in()
