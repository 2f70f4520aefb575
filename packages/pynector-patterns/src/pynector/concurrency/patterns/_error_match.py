"""Which errors are worth another attempt."""

import math
from collections.abc import Callable
from typing import TypeAlias, cast

ErrorClasses: TypeAlias = type[Exception] | tuple[type[Exception], ...]
RetryOn: TypeAlias = ErrorClasses | Callable[[Exception], bool | float]


def check_retry_on(name: str, value: object) -> None:
    """Make sure that *value* is a class of errors, several in a tuple, or a predicate.

    Raises:
        TypeError: it is neither, or a class is no subclass of `Exception`: so a cancellation is never meant.
    """
    classes = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    if not isinstance(value, tuple | type):
        if callable(value):
            return
        raise TypeError(
            f"{name} must be a class of errors, several in a tuple, or a predicate, not {value!r}"
        )
    for item in classes:
        if not (isinstance(item, type) and issubclass(item, Exception)):
            raise TypeError(f"{name} must name subclasses of Exception, not {item!r}")


def retry_wanted(retry_on: RetryOn, error: Exception) -> bool | float:
    """Return whether *error* is worth another attempt; a float: yes, after so many seconds.

    Raises:
        TypeError: a predicate gave neither a bool nor seconds.
    """
    if isinstance(retry_on, tuple | type):
        return is_one_of(error, cast("ErrorClasses", retry_on)) and not is_misuse(error)
    answer = cast("object", retry_on(error))
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, int | float) and answer >= 0 and not math.isinf(answer):
        return float(answer)
    raise TypeError(f"a predicate must give a bool or seconds >= 0, not {answer!r}")


def is_one_of(error: BaseException, classes: ErrorClasses) -> bool:
    """Return whether *error* is of one of the *classes*, or a group of such errors and no others.

    An error that only passes on its cause (`PoolFactoryError`) may be either of the two.
    """
    if isinstance(error, classes):
        return True
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return all(is_one_of(member, classes) for member in group.exceptions)
    cause = error.__cause__
    return cause is not None and getattr(error, "_passes_on_its_cause", False) and is_one_of(cause, classes)


def is_misuse(error: Exception) -> bool:
    """Return whether *error* comes from the call itself, not from inside: no later attempt can do better.

    That is a `TypeError` for wrong arguments, or for what cannot be awaited.
    """
    trace = error.__traceback__
    return isinstance(error, TypeError) and trace is not None and trace.tb_next is None
