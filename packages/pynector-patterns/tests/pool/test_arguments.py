"""What is refused when a pool is made."""

from typing import Any

import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolLimits, PoolWatch


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: PoolWatch(leak_after=0), ValueError("leak_after must be > 0 seconds, not 0")),
        (lambda: PoolWatch(on_event=1), TypeError("on_event must be callable, not 1")),  # type: ignore[arg-type]
        (lambda: PoolLimits(min_size=-1), ValueError("min_size must be >= 0, not -1")),
        (lambda: PoolLimits(max_uses=0), ValueError("max_uses must be >= 1, not 0")),
        (lambda: PoolLimits(max_idle=-1), ValueError("max_idle must be >= 0 seconds, not -1")),
        (lambda: PoolLimits(max_waiting=-1), ValueError("max_waiting must be >= 0, not -1")),
        (lambda: PoolLimits(lifetime_jitter=2), ValueError("lifetime_jitter must be from 0 to 1, not 2")),
        (
            lambda: PoolLimits(max_idle=2, max_lifetime=1),
            ValueError(
                "max_idle must be <= max_lifetime, not 2 and 1; a connection that has ended is not idle"
            ),
        ),
        (
            lambda: PoolLimits(min_size=1, max_lifetime=0),
            ValueError("max_lifetime must be > 0 with a min_size, not 0 and 1; what has ended is not kept"),
        ),
    ],
)
def test_wrong_limits_are_refused(make: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        make()

    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_connections": 0}, ValueError("max_connections must be >= 1, not 0")),
        ({"max_connections": "1"}, TypeError("max_connections must be an int, not '1'")),
        ({"connection_factory": None}, TypeError("connection_factory must be callable, not None")),
        ({"acquire_timeout": -1}, ValueError("acquire_timeout must be >= 0 seconds, not -1")),
        (
            {"acquire_timeout": float("nan")},
            ValueError("acquire_timeout must not be NaN"),
        ),
        ({"limits": 1}, TypeError("limits must be a PoolLimits, not 1")),
        ({"watch": 1}, TypeError("watch must be a PoolWatch, not 1")),
        ({"check": 1}, TypeError("check must be callable, not 1")),
        ({"reset": 1}, TypeError("reset must be callable, not 1")),
        ({"order": "random"}, ValueError("order must be 'lifo' or 'fifo', not 'random'")),
        ({"grace": -1}, ValueError("grace must be >= 0 seconds, not -1")),
        ({"close_timeout": -1}, ValueError("close_timeout must be >= 0 seconds, not -1")),
        (
            {"limits": PoolLimits(min_size=2)},
            ValueError("min_size must be <= max_connections, not 2 and 1"),
        ),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], error: Exception) -> None:
    arguments: dict[str, Any] = {"max_connections": 1, "connection_factory": print, **options}

    with pytest.raises(type(error)) as caught:
        ConnectionPool(**arguments)
    assert str(caught.value) == str(error)
