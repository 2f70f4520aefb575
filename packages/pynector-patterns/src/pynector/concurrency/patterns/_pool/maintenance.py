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
from .options import PoolOptions
from .state import PoolEntry

if TYPE_CHECKING:
    from .core import PoolCore

RETRY = 0.05
"""Seconds until the next look, at least, where nothing is known to end before."""

FEW = 64


class ChecksEntries(Protocol):
    """One whose connections are to be looked at."""

    def next_look(self, entry: PoolEntry[Any], now: float) -> float:
        """When something may have to be done about a connection, at the earliest."""
        ...


W = TypeVar("W", bound=ChecksEntries)


class CheckSchedule(Generic[W]):
    """All open connections, each with the time to look at it again.

    Using a connection moves nothing in here: when its time comes, it is seen how old it is by now, and when
    it could be too old. So it costs nothing to use one, and next to nothing to have many.

    Attributes:
        is_running: Whether somebody looks; if not, there are none in here.
        wakeup: Set when the next look is due sooner than it was, or something else is to be done.
        below_min_size: Set when one may be lacking that is to be open.
    """

    __slots__ = ("_added", "_entries", "_many", "below_min_size", "is_running", "wakeup")

    def __init__(self) -> None:
        self.is_running: bool = False
        self.wakeup: Event = Event()
        self.below_min_size: Event = Event()
        self._entries: list[tuple[float, int, W, PoolEntry[Any]]] = []
        self._added = 0
        self._many = FEW

    def close(self) -> None:
        """Nobody looks any more."""
        self.is_running = False
        self._entries.clear()

    def add(self, whose: W, entry: PoolEntry[Any]) -> None:
        """A connection was opened."""
        if self.is_running:
            next_look = self.next_look()
            self.put(whose, entry, current_time())
            if self.next_look() < next_look:
                self.wakeup.set()

    def put(self, whose: W, entry: PoolEntry[Any], now: float) -> None:
        """A connection was looked at, and is open."""
        when = whose.next_look(entry, now)
        if when < math.inf:
            self._added += 1  # so that entries of one time are in order
            heappush(self._entries, (when, self._added, whose, entry))
            if len(self._entries) > self._many:
                self._forget_closed()

    def next_look(self) -> float:
        """When to look again."""
        return self._entries[0][0] if self._entries else math.inf

    def take_due(self, now: float) -> list[tuple[W, PoolEntry[Any]]]:
        """Take out those that are to be looked at now, and tell whose they are."""
        due: list[tuple[W, PoolEntry[Any]]] = []
        while self.next_look() <= now:
            _, _, whose, entry = heappop(self._entries)
            if not entry.closed:
                due.append((whose, entry))
        return due

    def _forget_closed(self) -> None:
        # Each time twice as many as were left last time, so it costs little for each.
        self._entries = [entry for entry in self._entries if not entry[3].closed]
        heapify(self._entries)
        self._many = max(FEW, 2 * len(self._entries))


class Maintenance:
    """Closes connections that are idle or open for too long, and reports leaks.

    Args:
        cores: Gives those whose connections they are.
        schedule: When to look at each connection.
        tasks: Where its task runs.
    """

    __slots__ = ("_cores", "_kept", "_schedule", "_scope", "_tasks")

    def __init__(
        self,
        cores: Callable[[], Collection[PoolCore[Any]]],
        schedule: CheckSchedule[PoolCore[Any]],
        tasks: BackgroundTasks,
    ) -> None:
        self._cores = cores
        self._schedule = schedule
        self._tasks = tasks
        self._kept: list[
            tuple[PoolCore[Any], PoolEntry[Any]]
        ] = []  # idle for too long, but `min_size` needs them
        self._scope = CancelScope()

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._schedule.is_running = True
        for core in self._cores():
            for entry in core.state.entries.values():
                self._schedule.add(core, entry)
        self._tasks.start(self._keep, "keeper", self._schedule.close)

    def stop(self) -> None:
        """Leave the pool alone from now on."""
        self._scope.cancel()

    async def _keep(self) -> None:
        with self._scope:
            while True:
                await self._look()

    async def _look(self) -> None:
        self._schedule.wakeup = Event()
        self._look_at_what_is_due(current_time())
        now = current_time()
        with move_on_after(self._next_look() - now):
            await self._schedule.wakeup.wait()

    def _look_at_what_is_due(self, now: float) -> None:
        due: dict[PoolCore[Any], list[PoolEntry[Any]]] = {}
        for core, entry in (*self._kept, *self._schedule.take_due(now)):
            due.setdefault(core, []).append(entry)
        self._kept.clear()
        for core, entries in due.items():
            core.close_idle(core.ended_idle(entries, now))
            core.monitor.report_leaks(entries, now)
            for entry in entries:
                if core.needs_idle(entry, now):
                    self._kept.append((core, entry))
                elif not entry.closed:
                    self._schedule.put(core, entry, now)

    def _next_look(self) -> float:
        return min([self._schedule.next_look(), *(entry.ends_at for _, entry in self._kept)])


class MinSizeTask:
    """Keeps `min_size` connections open, in a task of its own: a factory that hangs holds up nothing else.

    Args:
        options: What was said when the pool was made.
        core: Whose connections they are.
        schedule: Tells when one may be lacking.
        tasks: Where its task runs.
    """

    __slots__ = ("_core", "_full", "_has_failed", "_options", "_schedule", "_scope", "_tasks")

    def __init__(
        self,
        options: PoolOptions[Any],
        core: PoolCore[Any],
        schedule: CheckSchedule[PoolCore[Any]],
        tasks: BackgroundTasks,
    ) -> None:
        self._options = options
        self._core = core
        self._schedule = schedule
        self._tasks = tasks
        self._scope = CancelScope()
        self._full = Event()  # set when they have been opened, or never will be
        self._has_failed = False  # whether the task was cancelled before that

    def start(self) -> None:
        """Begin to open connections, if there are to be any."""
        if self._options.limits.min_size:
            self._tasks.start(self._open_ahead, "opener", self._end)

    def stop(self) -> None:
        """Open none any more."""
        self._scope.cancel()
        self._full.set()

    async def wait_until_full(self) -> None:
        """Wait until they have been opened; see `ConnectionPool.wait_ready`."""
        if self._options.limits.min_size:
            with move_on_after(self._options.acquire_timeout) as scope:
                await self._full.wait()
            if scope.cancelled_caught:
                raise self._core.late()
        self._core.check_open()
        if self._has_failed:
            raise BrokenResourceError("the task that opens connections ahead was cancelled")

    async def _open_ahead(self) -> None:
        with self._scope:
            while True:
                self._schedule.below_min_size = Event()
                await self._fill()
                with move_on_after(self._pause()):
                    await self._schedule.below_min_size.wait()

    def _end(self) -> None:
        self._has_failed = not self._full.is_set()
        self._full.set()

    async def _fill(self) -> None:
        core, wanted = self._core, self._options.limits.min_size
        missing = wanted - core.state.staying  # what fails to open is missing again
        if missing > 0 and core.opener.backoff.left(current_time()) <= 0:
            openings = [core.opener.start() for _ in range(missing) if core.state.reserve()]
            for opening in openings:
                await opening.wait()
        if len(core.state.entries) >= wanted:
            self._full.set()

    def _pause(self) -> float:
        if len(self._core.state.entries) >= self._options.limits.min_size:
            return math.inf
        return max(RETRY, self._core.opener.backoff.left(current_time()))
