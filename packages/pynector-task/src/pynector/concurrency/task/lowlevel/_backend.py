"""Which event loop runs here: one module for each, of the same shape.

What counts is whose task takes a step, not which loop runs: in trio's guest mode on an asyncio loop there are
two. While a task of asyncio takes a step, no task of trio's does; trio's own run there in plain callbacks,
where `asyncio.current_task()` is None.
"""

import sys
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import cache
from typing import Any, Protocol, TypeAlias

from anyio import BrokenResourceError, CancelScope, NoEventLoopError

from . import _asyncio

Task: TypeAlias = Any
"""An `asyncio.Task` or a `trio.lowlevel.Task`."""


class Waiter(Awaitable[Any], Protocol):
    """The part of `asyncio.Future` that waiting tasks need: awaited by one task, set by another."""

    def done(self) -> bool: ...
    def cancel(self) -> object: ...
    def cancelled(self) -> bool: ...
    def result(self) -> Any: ...
    def exception(self) -> BaseException | None: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


Queue: TypeAlias = deque[tuple[Waiter, Task, float]]
"""Those who wait, in order of arrival: what wakes each one, with its task and since when it waits."""


class Backend(Protocol):
    """What differs between event loops."""

    def make_ticket(self) -> Waiter: ...
    def clock_of(self, loop: object) -> Callable[[], float]: ...
    def current_task(self) -> Task: ...
    def current_loop(self) -> object: ...
    def current_time(self) -> float: ...
    def checkpoint(self) -> Coroutine[Any, Any, None]: ...
    def cancel_scope(self, seconds: float | None, shield: bool) -> CancelScope: ...
    def all_tasks(self) -> Collection[Task]: ...
    def task_name(self, task: Task) -> str | None: ...
    def has_ended(self, task: Task) -> bool: ...
    def is_of_this_loop(self, task: Task) -> bool: ...
    def watch_exit(self, task: Task, callback: Callable[[Task], None]) -> None: ...
    def unwatch_exit(self, task: Task, callback: Callable[[Task], None]) -> None: ...
    def spawn(self, func: Callable[[], Coroutine[Any, Any, None]], name: str) -> Task: ...


_likely: Backend = _asyncio
"""Who answered last, asked first since to ask in vain costs an exception. A hint, so threads may share it."""


def backend_here() -> Backend:
    """Return the backend of the running task.

    Raises:
        NoEventLoopError: no task runs in this thread.
    """
    likely = _likely
    try:
        if likely.current_task() is not None:
            return likely
    except RuntimeError:  # no such event loop runs in this thread
        pass
    return _find_backend()


def _find_backend() -> Backend:
    global _likely
    if runs_on_trio():
        _likely = _trio_backend()[0]
        return _likely
    try:
        if asyncio_task() is not None:
            _likely = _asyncio
            return _likely
    except RuntimeError:
        pass
    raise NoEventLoopError("no task is running here; call this from an async function run by asyncio or trio")


def runs_on_trio() -> bool:
    """Whether it is a task of trio's that runs here."""
    return "trio" in sys.modules and _trio_backend()[1]()  # if trio is not there, it cannot run


@cache  # an import statement costs a third of an uncontended lock, even where all is imported
def _trio_backend() -> tuple[Backend, Callable[[], bool]]:
    from . import _trio

    return _trio, _trio.in_task


asyncio_task: Callable[[], Task | None] = _asyncio.current_task
"""asyncio's `current_task`: half the cost of ours, for a hot path.

Gives None or raises `RuntimeError` where no task of asyncio runs; `task_getter` gives what knows there.
"""


def task_getter() -> Callable[[], Task | None]:
    """Return what tells the running task here, at once: for an object that asks again and again.

    Where another event loop runs, it gives None or raises `RuntimeError`: then ask for another one.

    Raises:
        NoEventLoopError: no task runs in this thread.
    """
    return backend_here().current_task


def current_task() -> Task:
    """Return the running task: an `asyncio.Task` or a `trio.lowlevel.Task`.

    Raises:
        NoEventLoopError: no task runs in this thread.
    """
    try:
        task = _likely.current_task()
    except RuntimeError:
        task = None
    return task if task is not None else _find_backend().current_task()


def current_time() -> float:
    """Return the time of the event loop's clock, in seconds from an arbitrary start."""
    return backend_here().current_time()


def time_getter() -> Callable[[], float]:
    """Return a function that does at once what `current_time` does here, for an object that asks often.

    Where another event loop runs, it tells another time, or raises `RuntimeError`: then ask for another one.

    Raises:
        NoEventLoopError: no task runs in this thread.
    """
    backend = backend_here()
    return backend.clock_of(backend.current_loop())


def checkpoint() -> Coroutine[Any, Any, None]:
    """Let other tasks run, and be cancelled here if one of the scopes around is.

    The same as `anyio.lowlevel.checkpoint()`, found with fewer calls.
    """
    likely = _likely
    try:
        if likely.current_task() is not None:
            return likely.checkpoint()
    except RuntimeError:
        pass
    return _find_backend().checkpoint()


def cancel_scope(seconds: float | None, shield: bool = False) -> CancelScope:
    """Make AnyIO's scope, cancelled *seconds* from now, or never if that is None.

    The same as `anyio.move_on_after()`, found with fewer calls.
    """
    return backend_here().cancel_scope(seconds, shield)


def watch_exit(task: Task, callback: Callable[[Task], None]) -> None:
    """Have *callback* called with *task* when that ends, in the task's own event loop.

    Raises:
        anyio.BrokenResourceError: it has ended already.
        RuntimeError: it belongs to another event loop than the one that runs here.
    """
    backend = backend_of(task)
    if backend.has_ended(task):
        raise BrokenResourceError(f"task {name_of(task)!r} has ended")
    try:
        same_loop = backend.is_of_this_loop(task)
    except RuntimeError:  # no such loop runs here
        same_loop = False
    if not same_loop:
        raise RuntimeError(f"task {name_of(task)!r} belongs to another event loop or thread than this one")
    backend.watch_exit(task, callback)


def unwatch_exit(task: Task, callback: Callable[[Task], None]) -> None:
    """Take a `watch_exit` of the same two arguments back; nothing happens if there is none."""
    backend_of(task).unwatch_exit(task, callback)


def backend_of(task: Task) -> Backend:
    """Return the backend that *task* belongs to."""
    if _asyncio.is_task(task):
        return _asyncio
    from . import _trio

    return _trio


def all_tasks() -> Collection[Task]:
    """Return the tasks of the event loop that runs here.

    Raises:
        anyio.NoEventLoopError: no task runs in this thread.
    """
    return backend_here().all_tasks()


def name_of(holder: object) -> str:
    """Return a name for *holder*, a task or whatever else took something."""
    name = _asyncio.task_name(holder)
    if name is None and "trio" in sys.modules:
        from . import _trio

        name = _trio.task_name(holder)
    return repr(holder) if name is None else name
