"""Parking on asyncio, uvloop included: a ticket is a future."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from anyio import BrokenResourceError

if TYPE_CHECKING:
    from ._backend import Tickets

AnyTask = asyncio.Task[Any]
Ticket = asyncio.Future[Any]


def current_task() -> AnyTask | None:
    return asyncio.current_task()


def current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def current_time() -> float:
    return asyncio.get_running_loop().time()


async def checkpoint() -> None:
    await asyncio.sleep(0)


def task_name(task: object) -> str | None:
    return task.get_name() if isinstance(task, asyncio.Task) else None


async def park(tickets: "Tickets", give_back: Callable[[Any], object]) -> Any:
    loop = asyncio.get_running_loop()
    ticket: Ticket = loop.create_future()
    tickets[ticket] = asyncio.current_task(), loop.time()
    try:
        return await ticket
    except BaseException:
        # Granted, and cancelled natively before this task could run: the grant goes on to the next.
        if tickets.pop(ticket, None) is None and not ticket.cancelled() and ticket.exception() is None:
            give_back(ticket.result())
        raise


def grant(ticket: Ticket, value: object) -> bool:
    if ticket.done():
        return False  # cancelled, and its task has not run since
    ticket.set_result(value)
    return True


def fail(ticket: Ticket, error: BaseException) -> bool:
    if ticket.done():
        return False
    ticket.set_exception(error)
    return True


def watch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    if task.done():
        raise BrokenResourceError(f"task {task.get_name()!r} has ended")
    task.add_done_callback(callback)


def unwatch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    task.remove_done_callback(callback)
