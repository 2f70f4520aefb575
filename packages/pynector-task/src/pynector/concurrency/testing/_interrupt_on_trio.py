"""Ctrl-C in a task of trio, as trio itself brings it.

Trio raises `KeyboardInterrupt` where a task waits, through what aborts that wait; shields do not hold it off,
and where a wait cannot be aborted, the next one is. A nursery that waits for its children keeps it, cancels
them, and raises it in the end.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine as make_awaitable
from typing import Any

import outcome
import trio

from ._awaiting import frames
from ._task import ScenarioTask


async def in_reach_of_interrupts(task: ScenarioTask) -> Any:
    """Await what *task* runs, so that `interrupt` can strike it."""
    result = await _interruptible(task, task.coroutine)
    task.swallowed = task.saw_strike
    return result


def interrupt(task: ScenarioTask) -> bool:
    """Raise `KeyboardInterrupt` in *task* where it waits, or waits next; tell whether that could be done."""
    if _waits_in_start(task):
        return False  # in a nursery of trio's own, which bears nothing but what is started there
    nursery = _waiting_nursery(task)
    if nursery is not None:
        nursery.start_soon(_interrupt_nursery, task, name=KeyboardInterrupt.__name__)
        return True
    task.interrupted = True
    if task.scope is not None:
        task.scope.cancel()
    return True


@make_awaitable
def _interruptible(task: ScenarioTask, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    value: Any = None
    while True:
        try:
            message = coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        # Around this wait only, so that it is the only one that is cancelled.
        with trio.CancelScope() as task.scope:
            if task.interrupted:
                task.scope.cancel()
            value = yield message
        if task.interrupted and isinstance(value, outcome.Error) and isinstance(value.error, trio.Cancelled):
            task.interrupted, task.saw_strike = False, True
            value = outcome.Error(KeyboardInterrupt())


def _waits_in_start(task: ScenarioTask) -> bool:
    return any(frame.f_code is trio.Nursery.start.__code__ for frame in frames(task.coroutine))


def _waiting_nursery(task: ScenarioTask) -> trio.Nursery | None:
    """The nursery in which *task* waits for children, if it does."""
    nurseries: list[trio.Nursery] = task.native.child_nurseries
    for nursery in nurseries[-1:]:
        waits = any(frame.f_locals.get("self") is nursery for frame in frames(task.coroutine))
        if waits and nursery.child_tasks:
            return nursery
    return None


async def _interrupt_nursery(task: ScenarioTask) -> None:
    task.saw_strike = True
    raise KeyboardInterrupt
