"""Deadlines as the public API has them: Unix time."""

import math
from datetime import datetime

from pynector.concurrency.task.lowlevel import check_seconds

# A loop's clock usually counts from the start of the machine; Unix time passed this in September 2001.
EARLIEST = 1e9


def unix_time_of(deadline: float | datetime | None) -> float:
    """Return *deadline* as Unix time; None means never, so `math.inf`.

    Raises:
        TypeError: it is neither a number nor a `datetime` nor None.
        ValueError: it is NaN, a `datetime` without a time zone, or too small to be Unix time.
    """
    if deadline is None:
        return math.inf
    if isinstance(deadline, datetime):
        if deadline.utcoffset() is None:
            raise ValueError(f"deadline must be a datetime with a time zone, not {deadline!r}")
        return deadline.timestamp()
    seconds = check_seconds("deadline", deadline)
    if -math.inf < seconds < EARLIEST:
        raise ValueError(
            f"deadline must be Unix time, as time.time() gives it, not {deadline}; this looks like the"
            " event loop's clock: use move_on_after() or fail_after() for a time relative to now"
        )
    return seconds
