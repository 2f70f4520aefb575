"""What is ready to run on a controlled event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import Any

from ._rounds import Call, Rounds
from ._run import Run


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
