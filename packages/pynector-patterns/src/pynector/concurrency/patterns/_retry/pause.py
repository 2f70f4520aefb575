"""How long to pause between two attempts."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from random import random

_lock = threading.Lock()
_switched_off = 0


def backoff_seconds(number: int, first: float, longest: float, jitter: float) -> float:
    """Give the pause after attempt *number*: it doubles each time, and *jitter* of it is left to chance."""
    pause = min(first * 2.0 ** min(number - 1, 100), longest)
    return pause * (1.0 - jitter * random())


@contextmanager
def retry_pauses_off() -> Generator[None]:
    """Let all retries of this process go without pauses, for tests; attempts and time-outs stay as they are.

    Between two attempts there is still a checkpoint. May be nested, and entered in several threads.

    Example:
        ```python
        import pytest
        from pynector.concurrency.patterns import retry_pauses_off

        @pytest.fixture(autouse=True)
        def quick_retries():
            with retry_pauses_off():
                yield
        ```
    """
    _switch(1)
    try:
        yield
    finally:
        _switch(-1)


def _switch(by: int) -> None:
    global _switched_off
    with _lock:
        _switched_off += by


def pauses_are_off() -> bool:
    """Tell whether a `retry_pauses_off` block is entered anywhere in this process."""
    return _switched_off > 0
