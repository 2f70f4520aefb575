"""A nursery of trio's, which is what a task group stands on with trio. Imported only where trio runs."""

from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from types import TracebackType
from typing import Any, TypeAlias, TypeVar
from weakref import ref

import anyio
import trio

from ._anyio_group import AnyCoroutine, Failed
from ._group_scope import GroupScope
from ._nursery_child import NurseryChild
from ._status import TaskStatus
from .lowlevel._errors import (
    is_cancellation,
    leaves,
    overtaken_cancellation,
    raise_first,
    raise_overtaken,
    raise_unchanged,
)
from .lowlevel._loop_bound import LoopBound

T = TypeVar("T")
Errors: TypeAlias = BaseExceptionGroup[BaseException]


class NurseryGroup:
    """Runs children in a nursery.

    AnyIO's group does the same, but gives each child a scope and an event, for its handle: two thirds of what
    a child costs. Here only a child whose handle somebody has kept by its first step gets a scope: nobody
    else could cancel it.
    """

    __slots__ = ("_loop_bound", "_manager", "_nursery", "cancel_scope", "doomed")

    def __init__(self) -> None:
        self._manager = trio.open_nursery(strict_exception_groups=True)
        self._loop_bound = LoopBound("TaskGroup")
        self.doomed: set[NurseryChild[Any]] = set()
        """Children that were cancelled before their first step: nobody need keep their handles until then."""

    async def enter(self) -> None:
        """Enter the nursery."""
        self._nursery = await self._manager.__aenter__()

    def entered(self) -> None:
        """There is a `cancel_scope` from now on."""
        self._loop_bound.bind()
        self.cancel_scope: anyio.CancelScope = GroupScope(self._nursery.cancel_scope, self.check_loop)

    async def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        """Wait until all children have ended; tell whether the cancellation *exc* is the group's own."""
        try:
            return bool(await self._manager.__aexit__(exc_type, exc, tb))
        except BaseExceptionGroup as errors:
            cancellation = _only_cancellations(errors)
            if cancellation is None:
                raise
        finally:
            del exc, tb  # whose traceback holds this frame: no cycle
        try:
            raise cancellation
        finally:
            del cancellation

    def left(self) -> None:
        """Nothing to do: each child has begun, and ended."""

    def check_loop(self, doing: str) -> None:
        """Make sure that this is the event loop in which the group was entered."""
        self._loop_bound.check_loop(doing)

    def spawn(
        self, coro: Coroutine[Any, Any, T], name: str, context: Context | None, failed: Failed
    ) -> NurseryChild[T]:
        """Start a child that runs *coro*, which is closed if that cannot be done."""
        child = NurseryChild(coro, name, self)
        run: Any = _run  # trio's types want to see the arguments one by one
        start = partial(self._nursery.start_soon, run, ref(child), coro, name, failed, name=name)
        try:
            self.check_loop("starting a task")
            if context is None:
                start()
            else:
                context.run(start)
        except BaseException:
            coro.close()
            raise
        return child

    async def start(
        self, make: Callable[[TaskStatus[Any]], AnyCoroutine], name: str, failed: Failed
    ) -> NurseryChild[Any]:
        """Start a child that runs what *make* gives, and wait until it says that it has started."""
        self.check_loop("starting a task")
        made: list[tuple[NurseryChild[Any], TaskStatus[Any]]] = []
        run: Any = partial(_run_and_tell, make, made, self, name, failed)
        try:
            value = await self._nursery.start(run, name=name)
        except (RuntimeError, trio.Cancelled) as leaving:
            error = made.pop()[1].early_error if made else None
            is_overtaking = is_cancellation(leaving)
            if error is None or (is_overtaking and overtaken_cancellation(error) is None):
                raise
        else:
            child, status = made.pop()
            child.start_value, status.is_awaited = value, False
            return child
        try:
            if is_overtaking:
                await raise_first(error, 0)
            raise_unchanged(error)
        finally:
            del error  # whose traceback holds this frame: no cycle


class _EarlyStatus:
    """Keeps what a function says before it gives its coroutine: if it raises instead, nothing has started."""

    _said: tuple[Any, ...] = ()
    _status: trio.TaskStatus[Any] | None = None

    def started(self, value: Any = None) -> None:
        if self._status is not None:
            self._status.started(value)
        elif self._said:
            raise RuntimeError("called 'started' twice on the same task status")
        else:
            self._said = (value,)

    def pass_on_to(self, status: trio.TaskStatus[Any]) -> None:
        self._status = status
        if self._said:
            status.started(*self._said)


async def _run(
    child: Callable[[], NurseryChild[T] | None], coro: AnyCoroutine, name: str, failed: Failed
) -> None:
    kept = child()
    try:
        if kept is not None:
            return await kept.run(failed)
    finally:
        del kept  # an error's traceback holds this frame: no cycle
    try:
        await coro
    except Exception as error:
        failed(name, error)
        raise


async def _run_and_tell(
    make: Callable[[TaskStatus[Any]], AnyCoroutine],
    made: list[tuple[NurseryChild[Any], TaskStatus[Any]]],
    group: NurseryGroup,
    name: str,
    failed: Failed,
    *,
    task_status: trio.TaskStatus[Any],
) -> None:
    early = _EarlyStatus()
    status: TaskStatus[Any] = TaskStatus(early)
    child: NurseryChild[Any] = NurseryChild(make(status), name, group)
    made.append((child, status))
    early.pass_on_to(task_status)

    def failed_after_start(name: str, error: Exception) -> None:
        if status.has_started:  # before that, the error is the caller's of `start`
            failed(name, error)

    try:
        await child.run(failed_after_start)
    except Exception as error:
        if not status.take_error(error):
            raise
        raise_overtaken(error)
    finally:
        del child  # an error's traceback holds this frame: no cycle


def _only_cancellations(errors: Errors) -> BaseException | None:
    """Return the first cancellation in *errors*, if there is nothing else."""
    return next(leaves(errors)) if is_cancellation(errors) else None
