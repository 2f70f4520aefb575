"""A pytest plug-in for AnyIO's own tests: our classes stand under AnyIO's names.

Three differences that the documentation tells of are translated, so that the tests behind them still count:
one error leaves a task group unwrapped (here groups are strict), awaiting `start_soon` gives the handle (here
it is given at once), and deadlines are Unix time (here they are on the event loop's clock). Those that remain
are in `differences.py`.
"""

import math
import sys
import time
from collections.abc import Callable, Generator
from functools import cache, partial, wraps
from types import ModuleType
from typing import Any

import anyio
import differences
import pytest

from pynector.concurrency import cancel, errors, primitives, task


def to_unix_time(deadline: Any) -> Any:
    if not isinstance(deadline, int | float) or math.isinf(deadline):
        return deadline
    return deadline + (time.time() - anyio.current_time())


def to_loop_time(deadline: float) -> float:
    return deadline if math.isinf(deadline) else deadline - (time.time() - anyio.current_time())


class LoopClock:
    """A scope whose deadline is read and set on the event loop's clock."""

    __slots__ = ()

    @property
    def deadline(self) -> float:
        return to_loop_time(super().deadline)  # type: ignore[misc]

    @deadline.setter
    def deadline(self, value: float) -> None:
        type(self).__mro__[2].deadline.fset(self, to_unix_time(value))  # type: ignore[attr-defined]


class CancelScope(LoopClock, cancel.CancelScope):  # type: ignore[misc]
    __slots__ = ()

    def __new__(cls, *, deadline: float = math.inf, shield: bool = False) -> "CancelScope":
        return super().__new__(cls, deadline=to_unix_time(deadline), shield=shield)


@cache
def on_loop_clock(scope_class: type) -> type:
    if scope_class is cancel.CancelScope:
        return CancelScope
    return type(scope_class.__name__, (LoopClock, scope_class), {"__slots__": ()})


def giving_loop_clock(make: Callable[..., Any], *, absolute: bool = False) -> Callable[..., Any]:
    @wraps(make)
    def made(limit: float | None, **options: Any) -> Any:
        scope = make(to_unix_time(limit) if absolute else limit, **options)
        scope.__class__ = on_loop_clock(type(scope))
        return scope

    return made


class TaskGroup(task.TaskGroup):
    """A group whose `start_soon` gives what awaiting it gives: the handle."""

    def start_soon(self, *args: Any, **options: Any) -> Any:
        try:
            super().start_soon(*args, **options).__await__().send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("start_soon() waits")


STAND_INS: dict[str, Any] = {
    "create_task_group": partial(TaskGroup, strict_exception_groups=True),
    "TaskHandle": task.TaskHandle,
    "TASK_STATUS_IGNORED": task.TASK_STATUS_IGNORED,
    "CancelScope": CancelScope,
    "move_on_after": giving_loop_clock(cancel.move_on_after),
    "move_on_at": giving_loop_clock(cancel.move_on_at, absolute=True),
    "fail_after": giving_loop_clock(cancel.fail_after),
    "fail_at": giving_loop_clock(cancel.fail_at, absolute=True),
    "current_effective_deadline": lambda: to_loop_time(cancel.current_effective_deadline()),
    "get_cancelled_exc_class": errors.get_cancelled_exc_class,
    "CapacityLimiter": primitives.CapacityLimiter,
    "Condition": primitives.Condition,
    "Event": primitives.Event,
    "Lock": primitives.Lock,
    "Semaphore": primitives.Semaphore,
}


class StandIn(ModuleType):
    """`anyio`, as a test module sees it. The real one stays in place for AnyIO itself and for us."""

    def __getattr__(self, name: str) -> Any:
        return STAND_INS[name] if name in STAND_INS else getattr(anyio, name)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    if not isinstance(collector, pytest.Module):
        return (yield)
    sys.modules["anyio"] = StandIn("anyio")
    try:
        return (yield)
    finally:
        sys.modules["anyio"] = anyio


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = [item for item in items if differences.reason_for(item)]
    config.hook.pytest_deselected(items=known)
    items[:] = [item for item in items if not differences.reason_for(item)]
