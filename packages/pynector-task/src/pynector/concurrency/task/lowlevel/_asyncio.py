"""Parking on asyncio, uvloop included: a waiter is a future."""

import asyncio
import math
from collections.abc import Callable, Collection, Coroutine
from functools import cache
from time import monotonic
from typing import Any

from anyio import CancelScope
from anyio.abc import AsyncBackend
from anyio.lowlevel import current_token

AnyTask = asyncio.Task[Any]

current_task = asyncio.current_task
current_loop = asyncio.get_running_loop


make_ticket: type[asyncio.Future[Any]] = asyncio.Future  # of the running loop; to name it costs as much again


def clock_of(loop: object) -> Callable[[], float]:
    assert isinstance(loop, asyncio.AbstractEventLoop)
    # Of the stock loop and of uvloop it is this one, and to ask the loop costs as much again.
    kind = type(loop)
    is_monotonic = kind.time is asyncio.BaseEventLoop.time or kind.__module__ == "uvloop"
    return monotonic if is_monotonic else loop.time


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


def is_task(holder: object) -> bool:
    return isinstance(holder, asyncio.Future)


def all_tasks() -> Collection[AnyTask]:
    return asyncio.all_tasks()


def task_name(task: object) -> str | None:
    return task.get_name() if isinstance(task, asyncio.Task) else None


def has_ended(task: AnyTask) -> bool:
    return task.done()


def is_of_this_loop(task: AnyTask) -> bool:
    return task.get_loop() is asyncio.get_running_loop()


def watch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    task.add_done_callback(callback)


def unwatch_exit(task: AnyTask, callback: Callable[[AnyTask], None]) -> None:
    task.remove_done_callback(callback)


def spawn(func: Callable[[], Coroutine[Any, Any, None]], name: str) -> AnyTask:
    return asyncio.get_running_loop().create_task(func(), name=name)
