"""How many calls succeeded and failed lately."""

from collections import deque

SLICES = 10


class OutcomeWindow:
    """Counts the outcomes of the last seconds, in slices: each is forgotten as a whole when its first is old.

    So it takes the same small memory and time, however many calls there are.
    """

    __slots__ = ("_seconds", "_slices", "calls", "failures")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._slices: deque[tuple[float, list[int]]] = deque()  # beginning; calls and failures
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended at *now*."""
        self.forget(now)
        slices = self._slices
        if not slices or now >= slices[-1][0] + self._seconds / SLICES:
            slices.append((now, [0, 0]))
        counts = slices[-1][1]
        counts[0] += 1
        counts[1] += failed
        self.calls += 1
        self.failures += failed

    def forget(self, now: float) -> None:
        """Leave out what is too old at *now*."""
        slices = self._slices
        while slices and slices[0][0] + self._seconds <= now:
            _, (calls, failures) = slices.popleft()
            self.calls -= calls
            self.failures -= failures

    def clear(self) -> None:
        """Forget all."""
        self._slices.clear()
        self.calls = self.failures = 0
