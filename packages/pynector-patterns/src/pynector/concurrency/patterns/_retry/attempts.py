"""The attempts of a retried block."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from anyio import CancelScope, sleep

from pynector.concurrency.task.lowlevel import cancel_scope, checkpoint, current_time, operation_budget

from .failures import Failures

if TYPE_CHECKING:
    from .policy import RetryPolicy


class RetryAttempt:
    """One attempt: `async with attempt:` around what may fail.

    The block has the policy's time limit. If it fails and there is to be another attempt, the error goes no
    further; else it is raised.
    """

    __slots__ = ("_attempts", "_number", "_scope")

    def __init__(self, attempts: RetryAttempts, number: int) -> None:
        self._attempts = attempts
        self._number = number
        self._scope: CancelScope | None = None

    def __repr__(self) -> str:
        return f"<RetryAttempt {self._number}>"

    @property
    def number(self) -> int:
        """Which attempt it is, counted from 1."""
        return self._number

    async def __aenter__(self) -> Self:
        if self._scope is not None:
            raise RuntimeError(f"attempt {self._number} was entered before; an attempt is entered once")
        self._scope = self._attempts.begin()
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        assert self._scope is not None
        try:
            swallowed = self._scope.__exit__(exc_type, exc, tb)
        except Exception as rest:  # of a group that held the scope's cancellation and something else
            if self._attempts.fail(rest):
                return True
            raise
        if exc is None:
            self._attempts.succeed()
            return False
        if swallowed:
            self._attempts.time_out()
            return True
        return isinstance(exc, Exception) and self._attempts.fail(exc)


class RetryAttempts:
    """The attempts of one `async for` over a `RetryPolicy`, with the pauses between them.

    No scope is open between two attempts, so the loop may be left at any time.
    """

    __slots__ = ("_failures", "_next", "_number", "_pause", "_policy")

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures: Failures | None = None
        self._number = 0
        self._pause: float | None = None
        self._next: Literal["attempt", "block", "end"] = "attempt"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RetryAttempt:
        if self._next == "end":
            raise StopAsyncIteration
        if self._next == "block":
            raise RuntimeError(
                f"attempt {self._number} was not entered; use 'async with attempt:' in the loop"
            )
        if self._failures is None:
            self._failures = Failures(self._policy, "block", current_time())
        if self._pause is not None:
            await sleep(self._pause)
        elif next(operation_budget()):
            await checkpoint()
        self._number += 1
        self._next = "block"
        return RetryAttempt(self, self._number)

    def begin(self) -> CancelScope:
        """Return the scope for the attempt that begins."""
        assert self._failures is not None
        self._next = "end"  # unless the block fails
        return cancel_scope(self._failures.time_left())

    def succeed(self) -> None:
        """Take note of a block that did not fail."""
        self._failures = None
        if self._policy.budget is not None:
            self._policy.budget.earn()

    def fail(self, error: Exception) -> bool:
        """Take note of a block that failed; give whether there is to be another attempt."""
        assert self._failures is not None
        return self._pause_for(self._failures.pause_after(error))

    def time_out(self) -> None:
        """Take note of a block that ran out of its time.

        Raises:
            TimeoutError: there is to be no other attempt.
        """
        assert self._failures is not None
        self._pause_for(self._failures.pause_after_timeout())

    def _pause_for(self, pause: float | None) -> bool:
        self._pause = pause
        if pause is not None:
            self._next = "attempt"
        return pause is not None
