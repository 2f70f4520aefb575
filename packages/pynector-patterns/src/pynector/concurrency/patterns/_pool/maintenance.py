"""When to look at the connections of a pool."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from anyio import BrokenResourceError

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import current_time

from .background import BackgroundTasks
from .options import Terms
from .state import Slot

if TYPE_CHECKING:
    from .core import Core

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
        lack: Set when one may be lacking that is to be open.
    """

    __slots__ = ("_added", "_entries", "_many", "bell", "is_kept", "lack")

    def __init__(self) -> None:
        self.is_kept: bool = False
        self.bell: Event = Event()
        self.lack: Event = Event()
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


class Keeper:
    """Closes connections that are idle or open for too long, and reports leaks.

    Args:
        lenders: Gives those whose connections they are.
        agenda: When to look at each connection.
        tasks: Where its task runs.
    """

    __slots__ = ("_agenda", "_kept", "_lenders", "_scope", "_tasks")

    def __init__(
        self,
        lenders: Callable[[], Collection[Core[Any]]],
        agenda: Agenda[Core[Any]],
        tasks: BackgroundTasks,
    ) -> None:
        self._lenders = lenders
        self._agenda = agenda
        self._tasks = tasks
        self._kept: list[tuple[Core[Any], Slot[Any]]] = []  # idle for too long, but `min_size` needs them
        self._scope = CancelScope()

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._agenda.is_kept = True
        for lender in self._lenders():
            for slot in lender.state.slots.values():
                self._agenda.add(lender, slot)
        self._tasks.start(self._keep, "keeper", self._agenda.close)

    def dismiss(self) -> None:
        """Leave the pool alone from now on."""
        self._scope.cancel()

    async def _keep(self) -> None:
        with self._scope:
            while True:
                await self._look()

    async def _look(self) -> None:
        self._agenda.bell = Event()
        self._look_at_what_is_due(current_time())
        now = current_time()
        with move_on_after(self._next_look() - now):
            await self._agenda.bell.wait()

    def _look_at_what_is_due(self, now: float) -> None:
        due: dict[Core[Any], list[Slot[Any]]] = {}
        for lender, slot in (*self._kept, *self._agenda.take_due(now)):
            due.setdefault(lender, []).append(slot)
        self._kept.clear()
        for lender, slots in due.items():
            lender.close_idle(lender.ended_idle(slots, now))
            lender.ledger.report_leaks(slots, now)
            for slot in slots:
                if lender.needs_idle(slot, now):
                    self._kept.append((lender, slot))
                elif not slot.closed:
                    self._agenda.put(lender, slot, now)

    def _next_look(self) -> float:
        return min([self._agenda.next_look(), *(slot.ends_at for _, slot in self._kept)])


class Filler:
    """Keeps `min_size` connections open, in a task of its own: a factory that hangs holds up nothing else.

    Args:
        terms: What was said when the pool was made.
        lender: Whose connections they are.
        agenda: Tells when one may be lacking.
        tasks: Where its task runs.
    """

    __slots__ = ("_agenda", "_full", "_has_failed", "_lender", "_scope", "_tasks", "_terms")

    def __init__(
        self, terms: Terms[Any], lender: Core[Any], agenda: Agenda[Core[Any]], tasks: BackgroundTasks
    ) -> None:
        self._terms = terms
        self._lender = lender
        self._agenda = agenda
        self._tasks = tasks
        self._scope = CancelScope()
        self._full = Event()  # set when they have been opened, or never will be
        self._has_failed = False  # whether the task was cancelled before that

    def start(self) -> None:
        """Begin to open connections, if there are to be any."""
        if self._terms.limits.min_size:
            self._tasks.start(self._open_ahead, "opener", self._end)

    def dismiss(self) -> None:
        """Open none any more."""
        self._scope.cancel()
        self._full.set()

    async def wait_until_full(self) -> None:
        """Wait until they have been opened; see `ConnectionPool.wait_ready`."""
        if self._terms.limits.min_size:
            with move_on_after(self._terms.acquire_timeout) as scope:
                await self._full.wait()
            if scope.cancelled_caught:
                raise self._lender.late()
        self._lender.check_open()
        if self._has_failed:
            raise BrokenResourceError("the task that opens connections ahead was cancelled")

    async def _open_ahead(self) -> None:
        with self._scope:
            while True:
                self._agenda.lack = Event()
                await self._fill()
                with move_on_after(self._pause()):
                    await self._agenda.lack.wait()

    def _end(self) -> None:
        self._has_failed = not self._full.is_set()
        self._full.set()

    async def _fill(self) -> None:
        lender, wanted = self._lender, self._terms.limits.min_size
        missing = wanted - len(lender.state.slots)  # what callers open may fail, or be lent for long
        if missing > 0 and lender.opener.backoff.left(current_time()) <= 0:
            openings = [lender.opener.start() for _ in range(missing) if lender.state.reserve()]
            for opening in openings:
                await opening.wait()
        if len(lender.state.slots) >= wanted:
            self._full.set()

    def _pause(self) -> float:
        if len(self._lender.state.slots) >= self._terms.limits.min_size:
            return math.inf
        return max(RETRY, self._lender.opener.backoff.left(current_time()))
