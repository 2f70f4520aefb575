"""What is told of an attempt that failed and is followed by another."""

import logging
from dataclasses import dataclass

from pynector.concurrency.task.lowlevel import one_line

_logger = logging.getLogger("pynector.concurrency.patterns")


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that failed, told to `before_sleep` before the pause that follows it.

    Attributes:
        number: Which attempt it was, counted from 1.
        attempts: How many there may be in all; None: no limit.
        error: Why it failed. A `TimeoutError` of the policy's own if it ran out of its `timeout`.
        pause: The seconds until the next attempt begins.
        seconds: The seconds since the first attempt began.
        name: The name of the function that is called.
    """

    number: int
    attempts: int | None
    error: Exception
    pause: float
    seconds: float
    name: str

    def __str__(self) -> str:
        of = "" if self.attempts is None else f" of {self.attempts}"
        return (
            f"{self.name}: attempt {self.number}{of} failed after {self.seconds:.2f} s with"
            f" {one_line(self.error)}; next in {self.pause:.2f} s"
        )


def log_failed_attempt(failed: FailedAttempt) -> None:
    """Log one line, a warning of the logger `pynector.concurrency.patterns`."""
    _logger.warning("%s", str(failed))  # a record may be kept, and would keep the error
