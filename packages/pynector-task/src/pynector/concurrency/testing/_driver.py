"""Running a coroutine by hand, so that something else can be raised where it waits."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine as make_awaitable
from typing import Any

from ._task import ScenarioTask


@make_awaitable
def interruptible(task: ScenarioTask, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Await *coroutine*, and raise `KeyboardInterrupt` in it when *task* says so."""
    value: Any = None
    error: BaseException | None = None
    while True:
        if task.interrupted:
            task.interrupted, task.saw_interrupt, error = False, True, KeyboardInterrupt()
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
