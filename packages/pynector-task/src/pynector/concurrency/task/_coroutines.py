"""Coroutines of children: how they are made, and what they are called."""

from collections.abc import Callable, Coroutine
from functools import partial
from types import CoroutineType, FunctionType
from typing import Any, TypeVar, TypeVarTuple

from .lowlevel import check_callable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def coroutine_of(func: Callable[[*Ts], Coroutine[Any, Any, T]], *args: *Ts) -> Coroutine[Any, Any, T]:
    """Call *func*, which must be an async function or behave like one.

    Raises:
        TypeError: it cannot be called, or gave no coroutine.
    """
    try:
        coro: Coroutine[Any, Any, T] = func(*args)
    except TypeError:
        check_callable("func", func)
        raise
    # The usual case first, since to ask for a protocol costs a tenth of starting a task.
    if type(coro) is not CoroutineType and not isinstance(coro, Coroutine):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"Expected {function_name(func, None)}() to return a coroutine,"
            f" but the return value ({coro!r}) is not a coroutine object"
        )
    return coro  # pyright: ignore[reportUnknownVariableType]


def function_name(func: Callable[..., object], name: object) -> str:
    """Return *name*, or else the name of *func* with its module."""
    if name is not None:
        return str(name)
    if type(func) is FunctionType:
        return f"{func.__module__}.{func.__qualname__}"  # the usual case, at half the cost
    while isinstance(func, partial):
        func = func.func
    qualname = getattr(func, "__qualname__", None) or type(func).__qualname__
    module = getattr(func, "__module__", None)
    return f"{module}.{qualname}" if module else qualname


def coroutine_name(coro: Coroutine[Any, Any, Any], name: object) -> str:
    """Return *name*, or else the name of *coro* with its module."""
    if name is not None:
        return str(name)
    frame = getattr(coro, "cr_frame", None)
    qualname = getattr(coro, "__qualname__", None) or type(coro).__qualname__
    module = frame.f_globals.get("__name__") if frame else None
    return f"{module}.{qualname}" if module else qualname
