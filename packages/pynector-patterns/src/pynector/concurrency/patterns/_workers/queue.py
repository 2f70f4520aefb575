"""The items that wait for a worker, and the submitters that wait for room among them."""

from __future__ import annotations

# pyright: reportPrivateUsage=false
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.task.lowlevel import ParkingLot, give_way

from .handle import ItemHandle

if TYPE_CHECKING:
    from .workers import Workers


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


class ItemQueue(Generic[H]):
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
        room: Where submitters wait: while some do, `admit_waiters` is to be called after taking an item.
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
        """Wait until there is room for one item, which is then promised to the caller: see `claim_place`."""
        return self.room.park(self._give_back)

    def claim_place(self) -> None:
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
        self.admit_waiters()

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

    def admit_waiters(self) -> None:
        """Promise what room there is to those who wait, first come, first served."""
        while self.room.queue and len(self.line) < self.capacity:
            if self.room.unpark(None) is not None:
                self.capacity -= 1

    def _give_back(self, _: None) -> None:
        self.capacity += 1
        self.admit_waiters()


T = TypeVar("T")
R = TypeVar("R")


class SubmitChecks(Generic[T, R]):
    """Says whether an item may be submitted now, and lets its submitter wait for room."""

    __slots__ = ("_takes_priorities", "_workers")

    def __init__(self, workers: Workers[T, R], *, takes_priorities: bool) -> None:
        self._workers = workers
        self._takes_priorities = takes_priorities

    def check_priority(self, priority: object) -> None:
        """Make sure that *priority* can be compared with all others."""
        if not self._takes_priorities:
            raise ValueError("priority needs a pool made with priorities=True")
        if not isinstance(priority, int | float) or isinstance(priority, bool):
            raise TypeError(f"priority must be a number, not {priority!r}")
        if priority != priority:
            raise ValueError("priority must be a number, not NaN")

    def check_open(self) -> None:
        """Make sure that the pool takes items."""
        if self._workers.is_open:
            return
        if self._workers.state == "new":
            raise RuntimeError("worker pool is not started; use it with 'async with', or call start() first")
        raise self._workers.policy.refusal()

    def put(self, item: T, priority: float | None) -> ItemHandle[T, R]:
        """Queue *item* at once, and give its handle."""
        if priority is not None:
            self.check_priority(priority)
        queue = self._workers.queue
        if len(queue.line) >= queue.capacity:
            self.check_open()
            raise WouldBlock("worker pool: no room in the queue")
        handle: ItemHandle[T, R] = ItemHandle()
        handle._workers, handle._item, handle._outcome = self._workers, item, None
        handle._stage = copy_context()
        if priority is not None:
            handle.priority = priority
        return self._workers.put(handle)

    async def pass_gate(self) -> None:
        """Make sure that the pool takes items; if not, a cancellation of this task goes first."""
        try:
            self.check_open()
        except ClosedResourceError:
            await give_way()
            raise

    async def wait_for_room(self) -> None:
        """Wait until there is room for an item, which is to be put in at once."""
        try:
            self.check_open()
            queue = self._workers.queue
            self._workers.self_wait.refuse_the_last(self._workers.limit)
            await queue.wait_for_room()
            queue.claim_place()
            self.check_open()
        except ClosedResourceError:
            await give_way()
            raise
