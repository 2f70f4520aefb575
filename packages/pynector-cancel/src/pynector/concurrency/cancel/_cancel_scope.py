"""The cancel scope."""

import math
import time
from datetime import datetime
from threading import get_ident
from types import TracebackType
from typing import Self

import anyio

from pynector.concurrency.task.lowlevel import cancel_scope, current_time, raise_wrong_thread

from ._unix_time import unix_time_of


class CancelScope(anyio.CancelScope):
    """A block that can be cancelled as a whole, by a call or by a deadline.

    An `anyio.CancelScope`, and one with AnyIO's around and inside: they nest, cancel, shield and time out as
    if both were the same library. What is different: it may be made where no event loop runs, its deadline
    is Unix time, and it keeps the reason.

    The deadline is translated to the event loop's clock once, when the block is entered or the deadline is
    set: a later jump of the wall clock moves nothing. A scope is entered once.

    For a time relative to now use `move_on_after` or `fail_after`.

    Args:
        deadline: Unix time, as `time.time()` gives it, or a `datetime` with a time zone, after which the
            block is cancelled. None or `math.inf`: never; `-math.inf`: at once.
        shield: Let no cancellation from outside into the block.

    Raises:
        TypeError: *deadline* is neither a number nor a `datetime` nor None.
        ValueError: *deadline* is NaN, a `datetime` without a time zone, or too small to be Unix time.

    Example:
        ```python
        import time
        import anyio
        from pynector.concurrency.cancel import CancelScope

        async def main() -> None:
            with CancelScope(deadline=time.time() + 0.01) as scope:
                await anyio.sleep_forever()
            print(scope.cancelled_caught, scope.cancel_reason)
            #> True deadline exceeded

        anyio.run(main)
        ```
    """

    __slots__ = (
        "_cancelled_by_call",
        "_caught",
        "_deadline",
        "_delay",
        "_reason",
        "_scope",
        "_shield",
        "_thread",
    )

    _delay: float | None  # seconds from entering, where the time limit is relative
    _reason: str | None
    _scope: anyio.CancelScope | None  # AnyIO's, from entering
    _thread: int  # where the block was entered

    def __new__(cls, *, deadline: float | datetime | None = math.inf, shield: bool = False) -> Self:
        return cls._limited(unix_time_of(deadline), None, shield)

    @classmethod
    def _limited(cls, deadline: float, delay: float | None, shield: bool) -> Self:
        self = object.__new__(cls)  # AnyIO's would make a scope of the event loop's own class
        self._deadline = deadline
        self._delay = delay
        self._shield = shield
        self._scope = None
        self._cancelled_by_call = False
        self._caught = False
        self._reason = None
        return self

    def __enter__(self) -> Self:
        if self._scope is not None:
            raise RuntimeError("cancel scope was entered before; make a new one for each block")
        self._scope = scope = cancel_scope(self._seconds_left(), self._shield)
        self._thread = get_ident()
        if self._cancelled_by_call:
            scope.cancel(self._reason)
        scope.__enter__()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if self._scope is None:
            raise RuntimeError("cancel scope was not entered; use it in a 'with' statement")
        swallowed = self._scope.__exit__(exc_type, exc, tb)
        if exc is None:
            self._caught = self._cancelled_by_call
            return False  # there was nothing to swallow, though trio's scope says True
        if swallowed and not self._cancelled_by_call:
            self._interrupted_by_deadline(exc)
        return swallowed

    def _interrupted_by_deadline(self, cancellation: BaseException) -> None:
        """Nothing more to do; a scope that fails raises here."""

    def __repr__(self) -> str:
        state = "new" if self._scope is None else "cancelled" if self.cancel_called else "entered"
        why = f": {self.cancel_reason}" if self.cancel_reason else ""
        shielded = ", shielded" if self.shield else ""
        return f"<{type(self).__name__} {state}{why}, deadline {self._deadline}{shielded}>"

    def _seconds_left(self) -> float | None:
        """The seconds until the deadline, for a block that is being entered."""
        if self._delay is not None:
            self._deadline = time.time() + self._delay
            return self._delay
        return None if self._deadline == math.inf else self._deadline - time.time()

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the block: at the next checkpoint in it, and at each one that follows.

        May be called before, in and from outside the block. A second call changes nothing.

        Args:
            reason: Can be read back as `cancel_reason`; stands in the message of the cancellation.

        Raises:
            RuntimeError: this is another thread than the block was entered in; nothing has happened then.
        """
        if self._scope is not None:
            self._check_thread("cancelling it")
        if not self.cancel_called:
            self._cancelled_by_call = True
            self._reason = reason
            if self._scope is not None:
                self._scope.cancel(reason)

    @property
    def cancel_called(self) -> bool:
        """Whether the block is cancelled, by `cancel` or by its deadline."""
        return self._cancelled_by_call if self._scope is None else self._scope.cancel_called

    @property
    def cancelled_caught(self) -> bool:
        """Whether the block ended by this scope's own cancellation.

        True after the block if the scope swallowed its cancellation, and also if `cancel` was called and the
        block ended without an exception. A deadline that passed while the block ran to its end undisturbed
        does not make it true.
        """
        return self._caught or (self._scope is not None and self._scope.cancelled_caught)

    @property
    def cancel_reason(self) -> str | None:
        """Why the block was cancelled: what `cancel` was told, or `deadline exceeded`; else None."""
        if self._cancelled_by_call or not self.cancel_called:
            return self._reason
        return "deadline exceeded"

    @property
    def deadline(self) -> float:
        """When the block is cancelled, in Unix time; `math.inf` for never.

        A relative time limit has no deadline before the block is entered. May be set at any time, also to a
        `datetime` with a time zone or to None.
        """
        return self._deadline

    @deadline.setter
    def deadline(self, value: float | datetime | None) -> None:
        deadline = unix_time_of(value)
        if self._scope is not None:
            self._check_thread("setting its deadline")
        self._deadline, self._delay = deadline, None
        if self._scope is not None:
            left = self._seconds_left()
            self._scope.deadline = math.inf if left is None else current_time() + left

    @property
    def shield(self) -> bool:
        """Whether cancellations from outside are kept out of the block. May be set at any time."""
        return self._shield if self._scope is None else self._scope.shield

    @shield.setter
    def shield(self, value: bool) -> None:
        if self._scope is not None:
            self._check_thread("shielding it")
            self._scope.shield = value
        self._shield = value

    def _check_thread(self, doing: str) -> None:
        if get_ident() != self._thread:
            raise_wrong_thread(type(self).__name__, doing, self._thread)
