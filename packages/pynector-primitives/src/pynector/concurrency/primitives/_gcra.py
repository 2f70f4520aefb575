"""The generic cell rate algorithm: when the next permit is due."""

import math


class Gcra:
    """Decides whether a permit may be taken at a given time; keeps one number, and no clock.

    The algorithm of ITU-T I.371: each permit makes the next ones due one interval later; a permit may be
    taken `burst - 1` intervals before it is due. So any window of `w` seconds holds `burst + w / interval`
    permits at most.
    """

    __slots__ = ("_ahead", "_due", "_interval")

    def __init__(self, interval: float, burst: int) -> None:
        try:
            ahead = interval * (burst - 1)
        except OverflowError:
            ahead = math.inf
        if not 0.0 < interval < math.inf:
            raise ValueError(
                f"rate is too {'high' if interval == 0.0 else 'low'}: an interval of {interval} s"
            )
        if ahead == math.inf:
            raise ValueError("burst is too large: it would take for ever to use it up")
        self._interval = interval
        self._ahead = ahead
        self._due = -math.inf

    def may_take_at(self) -> float:
        """Give the time from which the next permit may be taken."""
        return self._due - self._ahead

    def take(self, now: float) -> None:
        """Take a permit at *now*, which is not before `may_take_at()`."""
        self._due = max(self._due, now) + self._interval
