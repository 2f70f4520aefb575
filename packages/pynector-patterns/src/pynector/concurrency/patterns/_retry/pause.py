"""How long to pause between two attempts."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from random import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .policy import RetryPolicy

MAX_BACKOFF = 10.0  # seconds, by default

_lock = threading.Lock()
_switched_off = 0


def backoff_seconds(policy: RetryPolicy, number: int) -> float:
    """Return the pause after attempt *number*: it doubles each time, and a part of it is left to chance."""
    first, longest = policy.backoff, policy.max_backoff
    if longest is None:
        longest = max(first, MAX_BACKOFF)
    pause = min(first * 2.0 ** min(number - 1, 100), longest)
    draw = random if policy.random is None else policy.random.random
    return pause * (1.0 - policy.jitter * draw())


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
    """Return whether a `retry_pauses_off` block is entered anywhere in this process."""
    return _switched_off > 0
