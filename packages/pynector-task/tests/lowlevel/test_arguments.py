"""The checks of arguments name the parameter, the rule and the value."""

import math
from typing import Any

import pytest

from pynector.concurrency.task.lowlevel import check_callable, check_int, check_seconds


@pytest.mark.parametrize("value", [1, 2, 10**30])
def test_an_int_that_is_large_enough_is_given_back(value: int) -> None:
    assert check_int("size", value, minimum=1) == value


@pytest.mark.parametrize("value", [0, 2.5, math.inf, -0.0])
def test_seconds_are_given_back_as_a_float(value: float) -> None:
    assert check_seconds("timeout", value) == value
    assert isinstance(check_seconds("timeout", value), float)


@pytest.mark.parametrize("value", [len, int, lambda: None])
def test_what_can_be_called_passes(value: Any) -> None:
    check_callable("func", value)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0, ValueError, "size must be >= 1, not 0"),
        ("1", TypeError, "size must be an int, not '1'"),
        (1.0, TypeError, "size must be an int, not 1.0"),
        (True, TypeError, "size must be an int, not True"),
        (None, TypeError, "size must be an int, not None"),
    ],
)
def test_a_wrong_int_is_refused(value: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as refusal:
        check_int("size", value, minimum=1)

    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-1, ValueError, "timeout must be >= 0 seconds, not -1"),
        (-math.inf, ValueError, "timeout must be >= 0 seconds, not -inf"),
        (math.nan, ValueError, "timeout must not be NaN"),
        ("1", TypeError, "timeout must be a number of seconds, not '1'"),
        (False, TypeError, "timeout must be a number of seconds, not False"),
        (None, TypeError, "timeout must be a number of seconds, not None"),
    ],
)
def test_wrong_seconds_are_refused(value: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as refusal:
        check_seconds("timeout", value, minimum=0)

    assert str(refusal.value) == text


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError) as refusal:
        check_callable("func", 3)

    assert str(refusal.value) == "func must be callable, not 3"


def test_a_coroutine_instead_of_its_function_is_refused_with_what_to_do() -> None:
    async def func() -> None: ...

    coro = func()
    with pytest.raises(TypeError) as refusal:
        check_callable("func", coro)
    coro.close()

    assert str(refusal.value).endswith("; pass the function itself, without calling it")
