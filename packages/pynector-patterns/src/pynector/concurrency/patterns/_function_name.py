"""The name of a function, for people."""

from collections.abc import Callable
from functools import partial


def function_name(func: Callable[..., object]) -> str:
    """Give the name of *func*, or of what is inside if it is a `functools.partial`."""
    while isinstance(func, partial):
        func = func.func
    name: str = getattr(func, "__qualname__", None) or type(func).__qualname__
    return name
