"""What is ready to run on a controlled event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from math import inf
from operator import is_
from threading import Event
from time import monotonic
from typing import Any, TypeAlias

from anyio import CancelScope

from .._schedule.run import Run


class Ready(asyncio.Handle):
    """A callback that is ready to run.

    Attributes:
        call: What it calls, and with what, if it is no step of a task.
        owner: The task of which it is a step, or None.
        withdrawn: Whether the task was woken by a cancellation.
        in_line: Whether it keeps its place among the callbacks that belong to no task.
    """

    __slots__ = ("call", "in_line", "owner", "withdrawn")

    call: Call
    in_line: bool
    owner: asyncio.Task[Any] | None
    withdrawn: bool


class ReadyQueue:
    """First come, first served, unless the run chooses otherwise.

    Attributes:
        handles: What is ready.
        run: Chooses.
    """

    __slots__ = ("_withdrawn", "handles", "run")

    def __init__(self, run: Run) -> None:
        self.handles: deque[Ready] = deque()
        self.run = run
        self._withdrawn = 0

    def append(self, handle: Ready, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Add a handle; what its callback is bound to tells whose step it is."""
        owner: Any = getattr(callback, "__self__", None)
        handle.withdrawn = False
        if isinstance(owner, asyncio.Task) and _is_step(callback):
            handle.owner = owner
            handle.in_line = False
            if args and isinstance(args[0], asyncio.Future) and args[0].cancelled():
                handle.withdrawn = True
                self._withdrawn += 1
        else:
            handle.call = callback, args
            handle.in_line = True
            handle.owner = None
        self.handles.append(handle)

    def append_timer(self, handle: Ready, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Add a timer that is due; of those due at the same time, none is promised to be the first."""
        handle.call = callback, args
        handle.in_line = False
        handle.owner = None
        handle.withdrawn = False
        self.handles.append(handle)

    @property
    def has_tasks(self) -> bool:
        """Whether a task is ready."""
        return any(handle.owner is not None for handle in self.handles)

    def only_repeats(self, rounds: Rounds) -> bool:
        """Whether all that is ready was called in the last round, too."""
        return all(handle.owner is None and rounds.has_seen(handle.call) for handle in self.handles)

    def take(self, *, tasks_only: bool = False) -> Ready:
        """Take out the handle that runs next.

        Args:
            tasks_only: Leave callbacks in line where they are, for they have had their share.
        """
        handles = self.handles
        if len(handles) == 1 or (self.run.fifo and not tasks_only):
            return handles.popleft()
        chosen = self._choose(line_has_begun=tasks_only)
        handle = handles[chosen]
        del handles[chosen]
        return handle

    def settle(self) -> None:
        """Bring those that were woken by a cancellation, in the last step or by a fault after it, into order.

        It is that of their creation: AnyIO and asyncio keep tasks in sets, and cancel them in the order of
        their addresses, which differs between runs.
        """
        if self._withdrawn > 1:
            positions = [position for position, handle in enumerate(self.handles) if handle.withdrawn]
            in_order = sorted((self.handles[position] for position in positions), key=self._label)
            for position, handle in zip(positions, in_order, strict=True):
                self.handles[position] = handle
        if self._withdrawn:
            self._withdrawn = 0
            for handle in self.handles:
                handle.withdrawn = False

    def _choose(self, *, line_has_begun: bool) -> int:
        # Plain callbacks keep their order among themselves: asyncio promises it, and protocols rely on it.
        positions: list[int] = []
        labels: list[int] = []
        for position, handle in enumerate(self.handles):
            if not (handle.in_line and line_has_begun):
                positions.append(position)
                labels.append(self._label(handle))
                line_has_begun |= handle.in_line
        return positions[self.run.choose(labels) if len(labels) > 1 else 0]

    def _label(self, handle: Ready) -> int:
        if handle.owner is None:
            return -1
        task = self.run.by_native.get(handle.owner)
        return -1 if task is None else task.number


def _is_step(method: Any) -> bool:
    # What takes a step, or wakes the task to take one, is no attribute of it; what users call is.
    name = getattr(method, "__name__", None)
    return name is None or not hasattr(method.__self__, name)


class ForeignCalls:
    """What other threads want to be called."""

    __slots__ = ("_arrived", "calls")

    def __init__(self) -> None:
        self.calls: deque[tuple[Ready, Callable[..., object], tuple[Any, ...]]] = deque()
        self._arrived = Event()

    def put(self, handle: Ready, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Called in the other thread."""
        self.calls.append((handle, callback, args))
        self._arrived.set()

    def wait(self, seconds: float) -> bool:
        """Whether a call arrives within *seconds* of real time."""
        end = monotonic() + seconds
        while seconds > 0 and not self.calls and self._arrived.wait(max(0.0, end - monotonic())):
            self._arrived.clear()  # a call may have come and gone before
        return bool(self.calls)

    def move_to(self, queue: ReadyQueue) -> None:
        """Let the calls that have arrived line up with the rest."""
        queue.run.has_threads = True
        while self.calls:
            queue.append(*self.calls.popleft())


Call: TypeAlias = tuple[Callable[..., object], tuple[Any, ...]]
"""What is called, and with what."""

# Rounds that are the same before time may pass, for AnyIO. It delivers a cancellation again in each round,
# for as long as a task is shielded from it; time would never pass.
_OF_ANYIO = 16
# The same for others. They may poll, or count what they have to do where it cannot be seen.
_OF_OTHERS = 200


class Rounds:
    """Finds out whether callbacks that belong to no task they do the same again and again.

    A round is what was ready when the one before had been run. A chain of callbacks that differ makes
    progress, however long it is.

    Attributes:
        has_begun: Whether a callback has run since the last step of a task.
        count: Rounds since then.
        only_repeat: Whether the last rounds were the same, so often that time may pass although callbacks are
            ready.
    """

    __slots__ = ("_before", "_left", "_now", "_same", "count", "has_begun", "only_repeat")

    def __init__(self) -> None:
        self._before: list[Call] = []
        self._now: list[Call] = []
        self.end()

    def end(self) -> None:
        """A task has taken a step, or time has passed: forget what was."""
        self.count = 0
        self.has_begun = False
        self.only_repeat = False
        self._left = 0
        self._same = 0
        self._before.clear()
        self._now.clear()

    def add(self, call: Call, ready: int) -> None:
        """A callback has run, and *ready* others are ready."""
        self.has_begun = True
        self._now.append(call)
        self._left -= 1
        if self._left <= 0:
            self._end_round()
            self._left = ready

    def has_seen(self, call: Call) -> bool:
        """Whether the last round had this call in it."""
        return any(_is_same(call, seen) for seen in self._before)

    def _end_round(self) -> None:
        now, before = self._now, self._before
        self.count += 1
        self._same = self._same + 1 if len(now) == len(before) and all(map(_is_same, now, before)) else 0
        enough = _OF_ANYIO if all(map(_is_of_anyio, now)) else _OF_OTHERS
        self.only_repeat = self._same >= enough
        before.clear()
        self._now, self._before = before, now


def _is_same(one: Call, other: Call) -> bool:
    (callback, args), (other_callback, other_args) = one, other
    if len(args) != len(other_args) or not all(map(is_, args, other_args)):
        return False
    return bool(callback == other_callback)


def _is_of_anyio(call: Call) -> bool:
    return isinstance(getattr(call[0], "__self__", None), CancelScope)


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
