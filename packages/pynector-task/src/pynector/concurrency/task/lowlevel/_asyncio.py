"""Parking on asyncio, uvloop included: a ticket is a future."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any

from anyio import BrokenResourceError, CancelScope
from anyio.abc import AsyncBackend
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from ._backend import Tickets

AnyTask = asyncio.Task[Any]
Ticket = asyncio.Future[Any]


current_task = asyncio.current_task
current_loop = asyncio.get_running_loop


def current_time() -> float:
    return asyncio.get_running_loop().time()


def checkpoint() -> Coroutine[Any, Any, None]:
    return asyncio.sleep(0)


def cancel_scope(seconds: float | None, shield: bool) -> CancelScope:
    deadline = math.inf if seconds is None else asyncio.get_running_loop().time() + seconds
    return _anyio_backend().create_cancel_scope(deadline=deadline, shield=shield)


@cache
def _anyio_backend() -> type[AsyncBackend]:
    # Asked once: AnyIO's own constructors ask at each call, for a fifth of the cost of a scope.
    return current_token().backend_class


def task_name(task: object) -> str | None:
    return task.get_name() if isinstance(task, asyncio.Task) else None


async def park(tickets: "Tickets", give_back: Callable[[Any], object]) -> Any:
    ticket: Ticket = asyncio.get_running_loop().create_future()
    tickets[ticket] = asyncio.current_task(), monotonic()
    try:
        return await ticket
    except BaseException:
        # Granted, and cancelled natively before this task could run: the grant goes on to the next.
        if tickets.pop(ticket, None) is None and not ticket.cancelled() and ticket.exception() is None:
            give_back(ticket.result())
        raise


def watch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    if task.done():
        raise BrokenResourceError(f"task {task.get_name()!r} has ended")
    task.add_done_callback(callback)


def unwatch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    task.remove_done_callback(callback)


def spawn(func: Callable[[], Coroutine[Any, Any, None]], name: str) -> AnyTask:
    return asyncio.get_running_loop().create_task(func(), name=name)
