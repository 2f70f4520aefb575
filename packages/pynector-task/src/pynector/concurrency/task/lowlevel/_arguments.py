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
        ValueError: *value* is NaN, less than *minimum*, or larger than a float can be.
    """
    if type(value) is float and value >= minimum:
        return value  # the usual case, at a third of the cost
    seconds = check_number(name, value, "a number of seconds")
    if seconds < minimum:
        raise ValueError(f"{name} must be >= {minimum:g} seconds, not {value}")
    return seconds


def check_fraction(name: str, value: object) -> float:
    """Return *value* as a float if it is a number from 0 to 1.

    Raises:
        TypeError: *value* is not a number.
        ValueError: *value* is NaN, or out of this range.
    """
    fraction = check_number(name, value)
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"{name} must be from 0.0 to 1.0, not {value}")
    return fraction


def check_positive(name: str, value: object) -> float:
    """Return *value* as a float if it is a finite number greater than zero.

    Raises:
        TypeError: *value* is not a number.
        ValueError: *value* is zero or less, infinite, NaN, or larger than a float can be.
    """
    number = math.nan if value != value else check_number(name, value)  # NaN
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number > 0, not {value}")
    return number


def check_number(name: str, value: object, kind: str = "a number") -> float:
    """Return *value* as a float if it is a number.

    Raises:
        TypeError: *value* is not a number; `True` and `False` are rejected, too.
        ValueError: *value* is NaN, or larger than a float can be.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be {kind}, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(
            f"{name} must be {kind} that a float can hold, not an int of {int(value).bit_length()} bits"
        ) from None
    if math.isnan(number):
        raise ValueError(f"{name} must not be NaN")
    return number


def check_callable(name: str, value: object) -> None:
    """Make sure that *value* can be called.

    Raises:
        TypeError: it cannot; a coroutine object is named, since a call too many is the usual cause.
    """
    if callable(value):
        return
    hint = "; pass the function itself, without calling it" if hasattr(value, "cr_code") else ""
    raise TypeError(f"{name} must be callable, not {value!r}{hint}")
