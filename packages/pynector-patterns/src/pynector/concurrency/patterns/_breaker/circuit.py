"""The refusal of an open circuit."""

from collections import deque
from collections.abc import Callable
from typing import Literal, TypeAlias


class CircuitOpenError(Exception):
    """A `CircuitBreaker` refused the call: what stands behind it failed too often.

    A `RetryPolicy` that retries on it waits at least `retry_after` seconds.

    Attributes:
        retry_after: The seconds until a call may be tried; 0.0 if one is being tried right now.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


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


CircuitState: TypeAlias = Literal["closed", "open", "half-open"]
"""What a circuit breaker does with calls; `CircuitBreaker` says what each means."""


class Circuit:
    """Decides whether a call may be made, from how the last ones ended.

    Each change of state begins a new turn. A call that was let through in an earlier turn counts for nothing.
    """

    __slots__ = (
        "_cool_down",
        "_on_change",
        "_probes",
        "_ratio",
        "_threshold",
        "_why",
        "name",
        "outcomes",
        "passed",
        "probing",
        "refused",
        "retry_at",
        "state",
        "turn",
    )

    def __init__(
        self,
        threshold: int,
        ratio: float,
        window: float,
        cool_down: float,
        probes: int,
        name: str | None,
        on_change: Callable[[CircuitState, CircuitState], object] | None,
    ) -> None:
        self._threshold = threshold
        self._ratio = ratio
        self._cool_down = cool_down
        self._probes = probes
        self.name: str | None = name
        self._on_change = on_change
        self._why = ""
        self.outcomes = OutcomeWindow(window)
        self.state: CircuitState = "closed"
        self.turn = 0
        self.retry_at = 0.0
        self.probing = 0  # calls on their way while half-open
        self.passed = 0  # those of them that succeeded
        self.refused = 0

    def enter(self, now: float) -> int:
        """Let a call through, and give the turn that it belongs to.

        Raises:
            CircuitOpenError: it may not be made now.
        """
        if self.state == "open" and now >= self.retry_at:
            self._change("half-open")
        if self.state == "open":
            raise self._refusal(self.retry_at - now)
        if self.state == "half-open":
            if self.probing + self.passed >= self._probes:
                raise self._refusal(0.0)
            self.probing += 1
        return self.turn

    def succeed(self, turn: int, now: float) -> None:
        """Count a call of *turn* as a success."""
        if turn != self.turn:
            return
        if self.state == "closed":
            self.outcomes.add(now, failed=False)
            return
        self.probing -= 1
        self.passed += 1
        if self.passed == self._probes:
            self._change("closed")

    def fail(self, turn: int, now: float, error: str) -> None:
        """Count a call of *turn* as a failure."""
        if turn != self.turn:
            return
        if self.state == "half-open":
            self._open(now, f"the call that tried it failed with {error}")
            return
        outcomes = self.outcomes
        outcomes.add(now, failed=True)
        if outcomes.failures >= max(self._threshold, self._ratio * outcomes.calls):
            self._open(now, f"{outcomes.failures} of {outcomes.calls} calls failed, the last with {error}")

    def leave(self, turn: int) -> None:
        """Count a call of *turn*, which was cancelled, for nothing; another may try in its place."""
        if turn == self.turn and self.state == "half-open":
            self.probing -= 1

    def _open(self, now: float, why: str) -> None:
        self._why = why
        self.retry_at = now + self._cool_down
        self._change("open")

    def _change(self, state: CircuitState) -> None:
        old, self.state = self.state, state
        self.turn += 1
        self.probing = self.passed = 0
        self.outcomes.clear()
        if self._on_change is not None:
            self._on_change(old, state)

    def _refusal(self, seconds: float) -> CircuitOpenError:
        self.refused += 1
        until = f"open for another {seconds:.2f} s" if seconds else "half-open and being tried"
        who = "circuit" if self.name is None else f"circuit {self.name!r}"
        return CircuitOpenError(f"{who} is {until}; {self._why}", seconds)
