"""What a task on asyncio runs, within reach of a fault."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator
from types import coroutine as make_awaitable
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from anyio import CancelScope

from .._schedule.task import INJECTED, ScenarioTask

if TYPE_CHECKING:
    from anyio import TaskHandle

PassOn: TypeAlias = Callable[[BaseException | None], BaseException | None]


@make_awaitable
def driven(coroutine: Coroutine[Any, Any, Any], pass_on: PassOn) -> Generator[Any, Any, Any]:
    """Await *coroutine*.

    Args:
        coroutine: What is awaited.
        pass_on: Is given, before each step, what is to be thrown into the coroutine, or None; throws what it
            returns.
    """
    value: Any = None
    error: BaseException | None = None
    while True:
        error = pass_on(error)
        try:
            message = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        error = None
        try:
            value = yield message
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:
            error = thrown


HANDLES: Any = getattr(anyio, "TaskHandle", ())
"""The kind of AnyIO's handles; 4.13, which others are tried with, has none."""


def in_reach_of_scope(task: ScenarioTask) -> Any:
    """What *task* runs, in a scope that can be cancelled.

    A child of AnyIO's group has one already, which is that of its handle. Another around it would be left in
    the wrong order, since `tg.start()` moves the child to another parent.
    """
    handle = _handle_of(task.coroutine)
    scope = None if handle is None else _scope_of(handle)
    if handle is not None and scope is not None:
        task.scope = scope
        return _in_scope_of_anyio(task, handle)
    if task.number:  # the scenario itself is made before the loop runs; it makes its scope when it starts
        task.scope = CancelScope()
    return _in_scope(task)


def _handle_of(coroutine: Any) -> TaskHandle[Any] | None:
    """The handle of the child of AnyIO's that *coroutine*, which has not begun, runs."""
    frame = getattr(coroutine, "cr_frame", None)
    # It is a method of the handle, and not a public one, such as `wait`.
    if frame is None or not coroutine.__name__.startswith("_"):
        return None
    owner = frame.f_locals.get("self")
    return owner if isinstance(owner, HANDLES) else None


def _scope_of(handle: TaskHandle[Any]) -> CancelScope | None:
    # No public attribute of a handle leads to its scope; its referents do.
    return next((found for found in gc.get_referents(handle) if isinstance(found, CancelScope)), None)


async def _in_scope(task: ScenarioTask) -> Any:
    native = asyncio.current_task()
    assert native is not None
    task.scope = scope = task.scope or CancelScope()
    with scope:
        requests = native.cancelling()
        result = await task.coroutine
        # AnyIO has called `cancel()`, so the coroutine has seen the cancellation; it returns all the same.
        task.swallowed = scope.cancel_called and native.cancelling() > requests
        return result


async def _in_scope_of_anyio(task: ScenarioTask, handle: TaskHandle[Any]) -> None:
    def notice(error: BaseException | None) -> BaseException | None:
        task.saw_fault |= isinstance(error, asyncio.CancelledError) and INJECTED in str(error)
        return error

    native = asyncio.current_task()
    assert native is not None
    requests = native.cancelling()
    await driven(task.coroutine, notice)
    # What the scope asks for, it takes back; a native cancellation beside it would be left.
    seen = task.saw_fault or native.cancelling() > requests
    task.swallowed = seen and handle.status is handle.Status.FINISHED


async def in_reach_of_interrupt(task: ScenarioTask) -> Any:
    """Await what *task* runs, so that `KeyboardInterrupt` can be raised where it waits."""

    def replace(error: BaseException | None) -> BaseException | None:
        if not task.interrupted:
            return error
        task.interrupted, task.saw_fault = False, True
        return KeyboardInterrupt()

    result = await driven(task.coroutine, replace)
    task.swallowed = task.saw_fault
    return result
