"""Parking on trio: a waiter is a slot for what the waker hands over. Imported only where trio runs."""

import math
import signal
from collections.abc import Callable, Collection, Coroutine, Generator
from contextvars import copy_context
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any, cast

import trio
from anyio import CancelScope

AnyTask = trio.lowlevel.Task

current_task = trio.lowlevel.current_task
current_time = trio.current_time
in_task = trio.lowlevel.in_trio_task
current_loop = trio.lowlevel.current_trio_token
checkpoint = trio.lowlevel.checkpoint
reschedule = trio.lowlevel.reschedule
wait_task_rescheduled = trio.lowlevel.wait_task_rescheduled
ABORTED = trio.lowlevel.Abort.SUCCEEDED


class Waiter:
    """What is asked of an asyncio future, for a trio task: awaited once, by the task that made it."""

    __slots__ = ("_cancelled", "_done", "_error", "_task", "_value")

    _task: AnyTask

    def __init__(self) -> None:
        self._done = self._cancelled = False
        self._value: Any = None
        self._error: BaseException | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        self._task = current_task()
        yield from wait_task_rescheduled(self._abort).__await__()
        if self._error is not None:
            raise self._error
        return self._value

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._done = self._cancelled = True
        return ABORTED

    def done(self) -> bool:
        return self._done

    def cancel(self) -> None:
        self._done = self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def result(self) -> Any:
        return self._value

    def exception(self) -> BaseException | None:
        return self._error

    def set_result(self, value: object) -> None:
        self._done, self._value = True, value
        reschedule(self._task)

    def set_exception(self, error: BaseException) -> None:
        self._done, self._error = True, error
        reschedule(self._task)


def clock_of(loop: object) -> Callable[[], float]:
    return trio.lowlevel.current_clock().current_time


make_ticket = Waiter


def cancel_scope(seconds: float | None, shield: bool) -> CancelScope:
    deadline = math.inf if seconds is None else trio.current_time() + seconds
    return cast(CancelScope, trio.CancelScope(deadline=deadline, shield=shield))  # what AnyIO's forwards to


def all_tasks() -> Collection[AnyTask]:
    root = trio.lowlevel.current_root_task()
    tasks: list[AnyTask] = []
    pending = [root] if root is not None else []
    while pending:
        tasks.append(task := pending.pop())
        pending += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return tasks


def task_name(task: object) -> str | None:
    return task.name if isinstance(task, trio.lowlevel.Task) else None


def has_ended(task: AnyTask) -> bool:
    return getcoroutinestate(cast(Coroutine[Any, Any, Any], task.coro)) == CORO_CLOSED


def is_of_this_loop(task: AnyTask) -> bool:
    while task.parent_nursery is not None:
        task = task.parent_nursery.parent_task
    return task is trio.lowlevel.current_root_task()


class _ExitWatch:
    """Stands where trio expects a parking lot to break: trio calls `break_lot` when the task exits."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[AnyTask], None]) -> None:
        self._callback = callback

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ExitWatch) and self._callback == other._callback

    __hash__ = None  # type: ignore[assignment]

    def break_lot(self, task: AnyTask) -> None:
        self._callback(task)


def watch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    trio.lowlevel.add_parking_lot_breaker(task, cast(trio.lowlevel.ParkingLot, _ExitWatch(callback)))


def unwatch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    try:
        trio.lowlevel.remove_parking_lot_breaker(task, cast(trio.lowlevel.ParkingLot, _ExitWatch(callback)))
    except RuntimeError:
        pass  # it has ended, or was not watched


def spawn(func: Callable[[], Coroutine[Any, Any, None]], name: str) -> AnyTask:
    async def run() -> None:
        try:
            await func()
        except BaseException as error:
            if not _is_interrupt(error):
                raise
            # From a system task it would be an internal error of trio's. Raised again as a signal here, where
            # trio shields from it, it goes to the main task, as any Ctrl-C.
            signal.raise_signal(signal.SIGINT)

    return trio.lowlevel.spawn_system_task(run, name=name, context=copy_context())


def _is_interrupt(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_interrupt, cast(BaseExceptionGroup[BaseException], error).exceptions))
    return isinstance(error, KeyboardInterrupt)
