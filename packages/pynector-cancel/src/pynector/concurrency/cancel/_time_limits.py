"""Time limits for a block: leave it, or raise `TimeoutError`."""

import math
from datetime import UTC, datetime

from pynector.concurrency.task.lowlevel import check_seconds

from ._cancel_scope import CancelScope
from ._unix_time import unix_time_of


class FailScope(CancelScope):
    """A scope that raises `TimeoutError` where its own deadline interrupted the block."""

    __slots__ = ("_told",)

    _told: str | None

    def _interrupted_by_deadline(self, cancellation: BaseException) -> None:
        raise TimeoutError(self._told or self._limit()) from cancellation

    def _limit(self) -> str:
        if self._delay is not None:
            return f"not done within {self._delay} s"
        try:
            return f"not done by {datetime.fromtimestamp(self._deadline, UTC).isoformat()}"
        except (OverflowError, ValueError, OSError):  # infinite, or no year of four digits
            return "not done in time"


def move_on_after(delay: float | None, shield: bool = False) -> CancelScope:
    """Make a scope that leaves its block *delay* seconds after entering it.

    Args:
        delay: Seconds, counted from entering the block; zero or less: cancelled at the first checkpoint;
            None: no limit.
        shield: Let no cancellation from outside into the block, which makes this a bounded shield.

    Raises:
        TypeError: *delay* is no number.
        ValueError: *delay* is NaN.

    Example:
        ```python
        import anyio
        from pynector.concurrency.cancel import move_on_after

        async def main() -> None:
            with move_on_after(0.01) as scope:
                await anyio.sleep_forever()
            assert scope.cancelled_caught

        anyio.run(main)
        ```
    """
    return CancelScope._limited(math.inf, None if delay is None else check_seconds("delay", delay), shield)


def move_on_at(deadline: float | datetime | None, shield: bool = False) -> CancelScope:
    """Make a scope that leaves its block at *deadline*: `CancelScope(deadline=..., shield=...)`.

    Args:
        deadline: Unix time, or a `datetime` with a time zone; None: no limit.
        shield: Let no cancellation from outside into the block.

    Raises:
        TypeError: *deadline* is neither a number nor a `datetime` nor None.
        ValueError: *deadline* is NaN, a `datetime` without a time zone, or too small to be Unix time.
    """
    return CancelScope(deadline=deadline, shield=shield)


def fail_after(delay: float | None, shield: bool = False, reason: str | None = None) -> CancelScope:
    """Make a scope that raises `TimeoutError` if its block takes longer than *delay* seconds.

    It raises if and only if its own deadline interrupted the block: not for a `cancel()` of the scope, nor
    for a deadline that passed while the block ran to its end undisturbed, nor for a scope around or inside.

    Args:
        delay: Seconds, counted from entering the block; zero or less: cancelled at the first checkpoint;
            None: no limit.
        shield: Let no cancellation from outside into the block.
        reason: The message of the error; by default it tells the limit.

    Raises:
        TimeoutError: on leaving the block; its cause is the cancellation, which tells where the block waited.
        TypeError: *delay* is no number.
        ValueError: *delay* is NaN.

    Example:
        ```python
        import anyio
        from pynector.concurrency.cancel import fail_after

        async def main() -> None:
            try:
                with fail_after(0.01):
                    await anyio.sleep_forever()
            except TimeoutError as error:
                print(error)
                #> not done within 0.01 s

        anyio.run(main)
        ```
    """
    scope = FailScope._limited(math.inf, None if delay is None else check_seconds("delay", delay), shield)
    scope._told = reason
    return scope


def fail_at(
    deadline: float | datetime | None, shield: bool = False, reason: str | None = None
) -> CancelScope:
    """Make a scope that raises `TimeoutError` if its block is not done at *deadline*; else as `fail_after`.

    Args:
        deadline: Unix time, or a `datetime` with a time zone; None: no limit.
        shield: Let no cancellation from outside into the block.
        reason: The message of the error; by default it tells the deadline.

    Raises:
        TimeoutError: on leaving the block.
        TypeError: *deadline* is neither a number nor a `datetime` nor None.
        ValueError: *deadline* is NaN, a `datetime` without a time zone, or too small to be Unix time.
    """
    scope = FailScope._limited(unix_time_of(deadline), None, shield)
    scope._told = reason
    return scope
