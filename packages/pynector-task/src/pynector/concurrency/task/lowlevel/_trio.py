"""Parking on trio: a ticket is a slot for what the waker hands over. Imported only where trio runs."""

import math
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import trio
from anyio import BrokenResourceError, CancelScope

if TYPE_CHECKING:
    from ._backend import Tickets

AnyTask = trio.lowlevel.Task

current_task = trio.lowlevel.current_task
current_time = trio.current_time
in_task = trio.lowlevel.in_trio_task
current_loop = trio.lowlevel.current_trio_token
checkpoint = trio.lowlevel.checkpoint


class Ticket:
    """What is asked of an asyncio future, for a trio task."""

    __slots__ = ("error", "task", "value")

    def __init__(self, task: AnyTask) -> None:
        self.task = task
        self.value: Any = None
        self.error: BaseException | None = None

    def done(self) -> bool:
        return False  # one that is done is in no queue: see `park`

    def set_result(self, value: object) -> None:
        self.value = value
        trio.lowlevel.reschedule(self.task)

    def set_exception(self, error: BaseException) -> None:
        self.error = error
        trio.lowlevel.reschedule(self.task)


def cancel_scope(seconds: float | None, shield: bool) -> CancelScope:
    deadline = math.inf if seconds is None else trio.current_time() + seconds
    return cast(CancelScope, trio.CancelScope(deadline=deadline, shield=shield))  # what AnyIO's forwards to


def task_name(task: object) -> str | None:
    return task.name if isinstance(task, trio.lowlevel.Task) else None


async def park(tickets: "Tickets", give_back: Callable[[Any], object]) -> Any:
    # A task that was rescheduled cannot be cancelled before it runs: on trio no grant needs *give_back*.
    ticket = Ticket(trio.lowlevel.current_task())
    tickets[ticket] = ticket.task, monotonic()

    def abort(_: object) -> trio.lowlevel.Abort:
        del tickets[ticket]
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.wait_task_rescheduled(abort)
    if ticket.error is not None:
        raise ticket.error
    return ticket.value


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
    try:
        trio.lowlevel.add_parking_lot_breaker(task, cast(trio.lowlevel.ParkingLot, _ExitWatch(callback)))
    except trio.BrokenResourceError:
        raise BrokenResourceError(f"task {task.name!r} has ended") from None


def unwatch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    try:
        trio.lowlevel.remove_parking_lot_breaker(task, cast(trio.lowlevel.ParkingLot, _ExitWatch(callback)))
    except RuntimeError:
        pass  # it has ended, or was not watched


def spawn(func: Callable[[], Coroutine[Any, Any, None]], name: str) -> AnyTask:
    return trio.lowlevel.spawn_system_task(func, name=name, context=copy_context())
