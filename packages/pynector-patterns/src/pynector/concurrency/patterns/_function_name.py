"""What to call a function that a user gave, and what to say if it is none of the kind that is wanted."""

from collections.abc import Callable
from functools import partial
from inspect import isasyncgenfunction, isawaitable, isgeneratorfunction
from types import CoroutineType
from typing import Any, cast

from pynector.concurrency.task.lowlevel import check_callable

from ._retry.retry_on import is_misuse


def function_name(func: Callable[..., object]) -> str:
    """Give the name of *func*, or of what is inside if it is a `functools.partial`.

    An object that is called like a function may have a `name`, as a `CircuitBreaker` has.
    """
    while isinstance(func, partial):
        func = func.func
    name = getattr(func, "__qualname__", None) or getattr(func, "name", None)
    return name if isinstance(name, str) else type(func).__qualname__


def check_wrappable(parameter: str, func: object) -> None:
    """Make sure that *func*, given as *parameter*, can be called and awaited as a whole.

    Raises:
        TypeError: it cannot be called, or is a generator function: what it does is done while it is iterated
            over, after the call.
    """
    check_callable(parameter, func)
    kind = (
        "an async generator function"
        if isasyncgenfunction(func)
        else "a generator function"
        if isgeneratorfunction(func)
        else None
    )
    if kind is not None:
        raise TypeError(
            f"{parameter} must be an async function: {function_name(cast(Any, func))}() is {kind}, which"
            " fails while it is iterated over, not when it is called; wrap the calls inside it"
        )


def can_be_awaited(result: object) -> bool:
    """Whether *result*, which a function gave, can be awaited, as that of an async function."""
    return type(result) is CoroutineType or isawaitable(result)  # the usual case, at a part of the cost


def as_told(error: Exception, parameter: str, func: Callable[..., object], awaited: object) -> Exception:
    """Give *error*, or one that says more if it comes of awaiting what *func* gave, and cannot be."""
    return not_async(parameter, func, awaited) if is_misuse(error) and not can_be_awaited(awaited) else error


def not_async(parameter: str, func: Callable[..., object], result: object) -> TypeError:
    """Give the error that says that *func*, given as *parameter*, is no async function."""
    return TypeError(
        f"{parameter} must be an async function: {function_name(func)}() gave {result!r},"
        " which cannot be awaited"
    )
