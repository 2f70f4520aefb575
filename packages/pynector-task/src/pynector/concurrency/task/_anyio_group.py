"""A task group of AnyIO's, which is what ours stands on with asyncio."""

from collections.abc import Callable, Coroutine
from contextvars import Context
from threading import current_thread
from types import TracebackType
from typing import Any, TypeAlias, TypeVar, cast

import anyio
from anyio import create_task_group as make_anyio_group  # bound here: ours may be put in its place
from anyio import get_cancelled_exc_class

from ._status import TaskStatus
from .lowlevel._asyncio import current_loop
from .lowlevel._errors import (
    is_cancellation,
    native_cancellations,
    overtaken_cancellation,
    raise_first,
    raise_overtaken,
    raise_unchanged,
)
from .lowlevel._loop_bound import raise_wrong_loop

T = TypeVar("T")
AnyCoroutine: TypeAlias = Coroutine[Any, Any, Any]
Failed: TypeAlias = Callable[[str, Exception], None]
"""Is called with the name of a child that fails, and its error, before any other child hears of it."""


class AnyioGroup:
    """Runs children in a group of AnyIO's, and closes the coroutines of those that never began.

    A task that is cancelled natively before its first step never runs its coroutine, and nobody closes it.
    """

    __slots__ = ("_group", "_home", "_thread", "_unbegun", "cancel_scope")

    def __init__(self) -> None:
        self._group = make_anyio_group()
        self._unbegun: dict[AnyCoroutine, AnyCoroutine] = {}

    def enter(self) -> Coroutine[Any, Any, object]:
        """Enter the group."""
        return self._group.__aenter__()

    def entered(self) -> None:
        """There is a `cancel_scope` from now on."""
        # What a `LoopBound` keeps, at a third of its cost: a group is made again and again.
        self._home, self._thread = current_loop(), current_thread()
        self.cancel_scope: anyio.CancelScope = self._group.cancel_scope

    def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, bool | None]:
        """Wait until all children have ended; tell whether the cancellation *exc* is the group's own."""
        return self._group.__aexit__(exc_type, exc, tb)

    def left(self) -> None:
        """All children have ended, some without having begun."""
        if self._unbegun:
            for coro in list(self._unbegun):
                self._close(coro)

    def spawn(
        self, coro: Coroutine[Any, Any, T], name: str, context: Context | None, failed: Failed
    ) -> anyio.TaskHandle[T]:
        """Start a child that runs *coro*, which is closed if that cannot be done."""
        child = self._unbegun[coro] = self._run(coro, name, failed, None)
        try:
            self.check_loop("starting a task")
            return self._group.create_task(child, name=name, context=context)
        except BaseException:  # another thread, or a loop that refuses
            self._close(coro)
            raise

    async def start(
        self, make: Callable[[TaskStatus[Any]], AnyCoroutine], name: str, failed: Failed
    ) -> anyio.TaskHandle[Any]:
        """Start a child that runs what *make* gives, and wait until it says that it has started."""
        self.check_loop("starting a task")
        before, made = native_cancellations(), list[TaskStatus[Any]]()

        def call(*, task_status: anyio.abc.TaskStatus[Any]) -> AnyCoroutine:
            status: TaskStatus[Any] = TaskStatus(task_status)
            made.append(status)
            coro = make(status)
            child = self._unbegun[coro] = self._run(coro, name, failed, status)
            return child

        try:
            return await self._group.start(call, name=name, return_handle=True)
        except (RuntimeError, get_cancelled_exc_class()) as leaving:
            error = made.pop().early_error if made else None
            is_overtaking = is_cancellation(leaving)
            if error is None or (is_overtaking and overtaken_cancellation(error) is None):
                raise
        finally:
            for status in made:
                status.is_awaited = False
        try:
            if is_overtaking:
                await raise_first(error, before)
            raise_unchanged(error)
        finally:
            del error  # whose traceback holds this frame: no cycle

    async def _run(
        self, coro: Coroutine[Any, Any, T], name: str, failed: Failed, status: TaskStatus[Any] | None
    ) -> T:
        self._unbegun.pop(coro, None)  # it is gone if the same coroutine was given twice
        try:
            return await coro
        except Exception as error:
            if status is not None and status.take_error(error):
                raise_overtaken(error)
                return cast(T, None)  # nobody asks for the value
            if status is None or status.has_started:
                failed(name, error)
            raise

    def check_loop(self, doing: str) -> None:
        """Make sure that this is the event loop in which the group was entered."""
        try:
            if current_loop() is self._home:
                return
        except RuntimeError:
            if current_thread() is self._thread:
                return  # no event loop runs here, as AnyIO will say
        raise_wrong_loop("TaskGroup", doing, self._thread)

    def _close(self, coro: AnyCoroutine) -> None:
        self._unbegun.pop(coro, coro).close()
        coro.close()
