"""Saying at the call what would fail later, or do nothing."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any


def refuse_what_is_no_scenario(scenario: Any) -> None:
    """Complain, if this is no async function, or one that needs arguments."""
    function = scenario
    while isinstance(function, partial):
        function = function.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(function, Coroutine):
        function.close()
        raise TypeError(
            "scenario must be an async function, not a coroutine; pass it without calling it,"
            " in functools.partial() if it takes arguments"
        )
    if not inspect.iscoroutinefunction(function) and not inspect.iscoroutinefunction(type(function).__call__):
        raise TypeError(
            f"scenario must be an async function, not {scenario!r};"
            " to give one arguments, use functools.partial(), not a lambda"
        )
    _refuse_missing_arguments(scenario)


def _refuse_missing_arguments(scenario: Any) -> None:
    try:
        inspect.signature(scenario).bind()
    except NameError:
        return  # Python 3.14 evaluates annotations, and some of them only a type checker can
    except (TypeError, ValueError) as error:
        raise TypeError(f"scenario is called without arguments: {error}; use functools.partial()") from None


def refuse_less_than_one(**numbers: object) -> None:
    """Complain, if one of these is no whole number, or less than one: nothing would be run."""
    refuse_unless_whole(**numbers)
    for name, value in numbers.items():
        if isinstance(value, int) and value < 1:
            raise ValueError(f"{name} must be >= 1, not {value}")


def refuse_unless_whole(**numbers: object) -> None:
    """Complain, if one of these is no whole number."""
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, not {value!r}")


def refuse_unless_one_of(choices: Sequence[str], **values: object) -> None:
    """Complain, if one of these is none of the *choices*."""
    for name, value in values.items():
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def refuse_wrong_backend(backend: str, *, eager: bool) -> None:
    """Complain, if there is no such backend, or if it has no eager tasks."""
    if backend not in {"asyncio", "trio"}:
        raise ValueError(f"backend must be 'asyncio' or 'trio', not {backend!r}")
    if backend == "trio" and eager:
        raise ValueError("eager tasks are asyncio's; trio has none")


def refuse_wrong_lateness(lateness: object) -> None:
    """Complain, if this is no number of seconds that a timer can be late."""
    if not isinstance(lateness, (int, float)):
        raise TypeError(f"lateness must be a number of seconds, not {lateness!r}")
    if not lateness >= 0:
        raise ValueError(f"lateness must be >= 0 seconds, not {lateness}")


def refuse_wrong_victims(victims: object) -> None:
    """Complain, if this cannot say of a name whether a task is a victim."""
    if victims is not None and not callable(victims):
        raise TypeError(f"victims must be a function that is given a task's name, not {victims!r}")


def refuse_in_a_loop() -> None:
    """Complain, if an event loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        trio: Any = sys.modules.get("trio")
        if trio is None or not trio.lowlevel.in_trio_run():
            return
    raise RuntimeError("schedules run on event loops of their own; call them from a function, not a task")
