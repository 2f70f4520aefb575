"""Checks of arguments: the same rule and the same words in every layer."""

import math


def check_int(name: str, value: object, *, minimum: int) -> int:
    """Give *value* back if it is an int of at least *minimum*.

    Raises:
        TypeError: *value* is no int; `True` and `False` are none here.
        ValueError: *value* is less than *minimum*.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be >= {minimum}, not {value}")
    return value


def check_seconds(name: str, value: object, *, minimum: float = -math.inf) -> float:
    """Give *value* back as a float if it is a number of seconds of at least *minimum*.

    Raises:
        TypeError: *value* is no number.
        ValueError: *value* is NaN, or less than *minimum*.
    """
    if type(value) is float and value >= minimum:
        return value  # the usual case, at a third of the cost
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    if math.isnan(value):
        raise ValueError(f"{name} must not be NaN")
    if value < minimum:
        raise ValueError(f"{name} must be >= {minimum:g} seconds, not {value}")
    return float(value)


def check_callable(name: str, value: object) -> None:
    """Make sure that *value* can be called.

    Raises:
        TypeError: it cannot; a coroutine object is named, since a call too many is the usual cause.
    """
    if callable(value):
        return
    hint = "; pass the function itself, without calling it" if hasattr(value, "cr_code") else ""
    raise TypeError(f"{name} must be callable, not {value!r}{hint}")
