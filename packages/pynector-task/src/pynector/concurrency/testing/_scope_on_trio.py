"""A task on trio, in a scope that a fault can cancel."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from math import inf, nextafter
from types import coroutine as make_awaitable
from typing import Any

import outcome
import trio

from ._task import STRIKE, ScenarioTask


def in_reach_of_scope(task: ScenarioTask) -> Any:
    """What *task* runs, in a scope that can be cancelled."""
    task.scope = trio.CancelScope()
    return _in_scope(task, task.scope)


async def _in_scope(task: ScenarioTask, scope: trio.CancelScope) -> Any:
    with scope:
        result = await _watched(task, scope, task.coroutine)
        task.swallowed = task.saw_strike
        return result


@make_awaitable
def _watched(
    task: ScenarioTask, scope: trio.CancelScope, coroutine: Coroutine[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """Await *coroutine*, and notice when the cancellation of *scope*, and no other, reaches it."""
    value: Any = None
    while True:
        try:
            message = coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        reaches = _reaches_here(scope)
        value = yield message
        error = value.error if isinstance(value, outcome.Error) else None
        if scope.cancel_called and isinstance(error, trio.Cancelled):
            # Of a deadline inside that came first, the reason is another; without a shield it is passed on.
            task.saw_strike |= reaches or error.reason == STRIKE


def _reaches_here(scope: trio.CancelScope) -> bool:
    """Whether no shield stands between a scope that is not cancelled yet and the wait that begins now."""
    if scope.cancel_called:
        return False
    before = trio.current_effective_deadline()
    scope.deadline = nextafter(trio.current_time(), inf)
    try:
        return trio.current_effective_deadline() != before
    finally:
        scope.deadline = inf
