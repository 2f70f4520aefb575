"""The failed attempts of one call."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from anyio import current_effective_deadline

from pynector.concurrency.task.lowlevel import (
    add_note,
    current_time,
    is_cancelled,
    one_line,
    overtaken_cancellation,
)

from .._breaker.circuit_open import CircuitOpenError
from .failed_attempt import FailedAttempt
from .pause import backoff_seconds, pauses_are_off
from .retry_on import retry_wanted

if TYPE_CHECKING:
    from .policy import RetryPolicy

# A policy without a limit of attempts must not collect errors for ever.
LINES = 10


class Failures:
    """What failed so far, and what comes after each failure: a pause and another attempt, or the end.

    It decides, and never waits.
    """

    __slots__ = ("_cause", "_count", "_ends", "_last_limit", "_lines", "_name", "_policy", "_started")

    def __init__(self, policy: RetryPolicy, name: str, started: float) -> None:
        self._policy = policy
        self._name = name
        self._started = started
        self._ends = None if policy.total_timeout is None else started + policy.total_timeout
        self._last_limit = policy.timeout is None  # the attempt may take all the time there is
        self._count = 0
        self._lines: deque[str] = deque(maxlen=LINES)
        self._cause: Exception | None = None

    def time_left(self) -> float | None:
        """Give the seconds that the next attempt may take."""
        each = self._policy.timeout
        if self._ends is None:
            return each
        left = max(self._ends - current_time(), 0.0)
        self._last_limit = each is None or left < each
        return left if each is None else min(left, each)

    def pause_after(self, error: Exception) -> float | None:
        """Give the seconds to pause before the next attempt; None: *error* ends it, and was told the rest."""
        self._count += 1
        pause, why = self._next(error, retry_wanted(self._policy.retry_on, error))
        if pause is not None:
            self._cause = error
            return pause
        self._cause = None  # its traceback leads to the frame that holds this object
        if self._count > 1 or why:
            self._tell(error, f"gave up after {self._tally()}{why}")
        return None

    def pause_after_timeout(self) -> float:
        """Give the seconds to pause before the next attempt, this one having run out of time.

        Raises:
            TimeoutError: it was the last one.
        """
        self._count += 1
        limit = f"{self._policy.total_timeout} s in all" if self._last_limit else f"{self._policy.timeout} s"
        message = f"no answer within {limit}"
        pause, why = self._next(TimeoutError(message), not self._last_limit)
        if pause is not None:
            return pause
        error = TimeoutError(f"{message} ({self._tally()}{why})")
        self._tell(error)
        cause, self._cause = self._cause, None
        try:
            raise error from cause
        finally:
            del error, cause  # their tracebacks hold this frame

    def _next(self, error: Exception, wanted: bool | float) -> tuple[float | None, str]:
        """Give the pause that comes after *error*; or None, and why not if that is not plain to see."""
        policy = self._policy
        if wanted is False:
            return None, ""
        if overtaken_cancellation(error) and is_cancelled():
            return None, ""  # the caller is cancelled: a pause would be, too, and the error lost
        if policy.attempts is not None and self._count >= policy.attempts:
            return None, ""
        pause = self._pause(error, wanted)
        if not self._fits(pause):
            return None, f"; a pause of {pause:.2f} s would not end before the deadline"
        if policy.budget is not None and not policy.budget.spend():
            return None, "; the retry budget is spent"
        self._lines.append(f"attempt {self._count}: {one_line(error)}")
        if policy.before_sleep is not None:
            policy.before_sleep(self._told(error, pause))
        return pause, ""

    def _pause(self, error: Exception, wanted: bool | float) -> float:
        if pauses_are_off():
            return 0.0
        if wanted is not True:
            return wanted
        pause = backoff_seconds(self._policy, self._count)
        return max(pause, error.retry_after) if isinstance(error, CircuitOpenError) else pause

    def _fits(self, pause: float) -> bool:
        deadline = current_effective_deadline()
        if deadline == -math.inf:
            return True  # cancelled, and not told so yet: the pause does, before the call's error hides it
        if self._ends is not None:
            deadline = min(deadline, self._ends)
        return current_time() + pause < deadline

    def _told(self, error: Exception, pause: float) -> FailedAttempt:
        seconds = current_time() - self._started
        return FailedAttempt(self._count, self._policy.attempts, error, pause, seconds, self._name)

    def _tally(self) -> str:
        attempts = "1 attempt" if self._count == 1 else f"{self._count} attempts"
        return f"{attempts}, {current_time() - self._started:.2f} s"

    def _tell(self, error: Exception, *notes: str) -> None:
        """Add *notes* and the earlier errors to *error*."""
        untold = self._count - 1 - len(self._lines)
        dots = [f"attempts 1 to {untold}: not kept"] if untold > 0 else []
        for note in (*notes, *dots, *self._lines):
            add_note(error, note)
