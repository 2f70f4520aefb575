"""How long a factory that fails is left alone."""

import random

FIRST, LONGEST = 0.05, 2.0


class RetryPause:
    """Counts failures in a row, and tells when the factory may be tried again.

    The pause is for those who may wait: who waits for a connection already, and who opens them ahead. The
    first failure costs nothing: it may be the one connection. From the second on the pause doubles, up to
    two seconds, less a random part, so that many pools do not come back at once.
    """

    __slots__ = ("_failures", "_until", "error")

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0
        self.error: Exception | None = None
        """What the factory failed with last; None after it gave a connection."""

    def succeeded(self) -> None:
        """The factory gave a connection."""
        self._failures = 0
        self.error = None

    def begin(self) -> int:
        """The factory is called; gives what `failed` wants to know."""
        return self._failures

    def failed(self, begun: int, error: Exception, now: float) -> None:
        """The factory failed. Calls that were under way together count as one."""
        self._failures = begun + 1
        self.error = error
        if begun:
            pause = min(LONGEST, FIRST * 2.0 ** min(begun - 1, 10))
            self._until = now + pause * random.uniform(0.5, 1.0)

    def left(self, now: float) -> float:
        """Seconds to wait yet; zero or less if the factory may be called."""
        return self._until - now if self._failures else 0.0
