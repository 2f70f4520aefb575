"""One call behind a circuit breaker."""

import math
from collections.abc import Callable
from types import TracebackType

from anyio import CancelScope

from pynector.concurrency.task.lowlevel import cancel_scope, current_time, one_line

from .circuit import Circuit

NEVER = -1
"""No turn of a circuit."""


class GuardedCall:
    """Enters the circuit, or is refused; and tells it how the call ended."""

    __slots__ = ("_circuit", "_counts", "_scope", "_timeout", "_turn")

    def __init__(self, circuit: Circuit, counts: Callable[[Exception], bool], timeout: float | None) -> None:
        self._circuit = circuit
        self._counts = counts
        self._timeout = timeout
        self._scope: CancelScope | None = None
        self._turn = 0

    def __enter__(self) -> None:
        self._turn = self._circuit.enter(current_time())
        if self._timeout is not None:
            self._scope = cancel_scope(self._timeout)
            self._scope.__enter__()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            timed_out = self._scope is not None and self._scope.__exit__(exc_type, exc, tb)
        except BaseException as rest:  # of a group that held the scope's cancellation and something else
            self._tell(rest)
            raise
        if timed_out and exc is not None:
            error = TimeoutError(f"no answer within {self._timeout} s")
            self._circuit.fail(self._turn, current_time(), one_line(error))
            raise error from exc
        self._tell(exc)

    @property
    def is_current(self) -> bool:
        """Whether it belongs to the circuit's present turn, so that how it ends matters."""
        return self._turn == self._circuit.turn

    def forfeit(self) -> None:
        """Count for nothing, however it ends, and leave its place to another."""
        self._circuit.leave(self._turn)
        self._turn = NEVER

    def drop_timeout(self) -> None:
        """Cancel nothing any more: only its own task could leave the scope."""
        if self._scope is not None:
            self._scope.deadline = math.inf

    def _tell(self, exc: BaseException | None) -> None:
        if exc is not None and not isinstance(exc, Exception):
            self._circuit.leave(self._turn)
        elif exc is not None and self._is_failure(exc):
            self._circuit.fail(self._turn, current_time(), one_line(exc))
        else:
            self._circuit.succeed(self._turn, current_time())

    def _is_failure(self, error: Exception) -> bool:
        try:
            return self._counts(error)
        except BaseException:
            self._circuit.leave(self._turn)
            raise
