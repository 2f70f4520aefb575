"""A second try while the first is slow."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar, TypeVarTuple

from anyio import TaskCancelled, get_cancelled_exc_class

from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    add_note,
    cancel_scope,
    check_callable,
    check_int,
    check_seconds,
    checkpoint_before_raise,
    is_cancelled,
    native_cancellations,
    one_line,
    overtaken_cancellation,
    raise_first,
    raise_overtaken,
    raise_unchanged,
)

from ._error_match import is_misuse
from ._function_name import can_be_awaited, function_name, not_async

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_logger = logging.getLogger("pynector.concurrency.patterns")


async def hedge(func: Callable[[*Ts], Awaitable[T]], *args: *Ts, delay: float, max_attempts: int = 2) -> T:
    """Call `func(*args)`, and again while there is no answer: the first success wins.

    Another attempt is begun whenever *delay* seconds have passed since the last one, and at once when one
    fails. As soon as one succeeds the others are cancelled; the call returns when they have ended. Each runs
    in a task of its own. For calls that may be made twice without harm: to read, not to pay.

    If all fail, the last error is raised as it is, with the others as notes. If cancelled, all attempts are;
    an attempt that fails in its clean-up then is raised first, and the cancellation at the next checkpoint.
    Where an attempt fails in its clean-up because another has won, that is logged.

    Args:
        func: An async function.
        args: Its positional arguments; for keyword arguments use `functools.partial`.
        delay: Seconds to wait for an answer before the next attempt, such as the 95th percentile.
        max_attempts: Attempts in all, the first included; at least one.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a number is out of its range.
        anyio.TaskCancelled: the attempts were cancelled natively, and not by the caller.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import hedge

        async def fetch(seconds: list[float]) -> float:
            took = seconds.pop(0)
            await anyio.sleep(took)
            return took

        async def main() -> None:
            print(await hedge(fetch, [10.0, 0.01], delay=0.01))
            #> 0.01

        anyio.run(main)
        ```
    """
    check_callable("func", func)
    check_seconds("delay", delay, minimum=0.0)
    check_int("max_attempts", max_attempts, minimum=1)
    tg = create_task_group()
    race, before = _Race[T](tg), native_cancellations()
    try:
        async with tg:
            for attempts_left in reversed(range(max_attempts)):
                race.running += 1
                tg.start_soon(race.run, partial(func, *args))
                if attempts_left and not race.has_missed_news():
                    with cancel_scope(delay):
                        await race.news.park(_nothing)
                if race.won or race.is_misused:
                    break
    except get_cancelled_exc_class():
        if not race.failed_clean_ups:
            raise
        # An error of a clean-up comes first, and then the cancellation.
        race.errors += race.failed_clean_ups
        await raise_first(race.error(), before)
    if race.won:
        race.log_failed_clean_ups(function_name(func))
        return race.answer
    if not race.errors:
        await checkpoint_before_raise()
        raise TaskCancelled("the attempts were cancelled, and not by the caller")
    raise_unchanged(race.error())


class _Race(Generic[T]):
    """The attempts of one call: who won, and what failed."""

    __slots__ = (
        "_missed",
        "_tg",
        "answer",
        "errors",
        "failed_clean_ups",
        "is_misused",
        "news",
        "running",
        "won",
    )

    answer: T

    def __init__(self, tg: TaskGroup) -> None:
        self._tg = tg
        self.won = False
        self.running = 0
        self.is_misused = False  # the call itself is wrong: another attempt would be, too
        self.errors: list[Exception] = []
        self.failed_clean_ups: list[Exception] = []  # of attempts that were cancelled
        self.news: ParkingLot[None] = ParkingLot("hedge")
        self._missed = 0  # failures that woke nobody: the starter was awake, or was woken already

    def has_missed_news(self) -> bool:
        """Return whether the starter need not wait; of each failure once."""
        if self.won or not self._missed:
            return self.won
        self._missed -= 1
        return True

    async def run(self, call: Callable[[], Awaitable[T]]) -> None:
        try:
            answer = await self._called(call)
        except Exception as error:
            if is_cancelled() and overtaken_cancellation(error):
                self.failed_clean_ups.append(error)
                raise_overtaken(error)
            self.errors.append(error)
            if self.news.unpark(None) is None:
                self._missed += 1
            return
        finally:
            self.running -= 1
        if not self.won:
            self.won = True
            self.answer = answer
            if self.running:
                self._tg.cancel("another attempt won")
            else:
                self.news.unpark(None)  # the usual case; to cancel nobody would cost half as much again

    def _called(self, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        try:
            awaitable = call()
            if not can_be_awaited(awaitable):
                raise not_async("func", call, awaitable)
        except TypeError as error:
            self.is_misused = self.is_misused or is_misuse(error)
            raise
        return awaitable

    def error(self) -> Exception:
        """Return the last error, with the others as notes."""
        *others, last = self.errors
        self.errors.clear()  # their tracebacks lead here
        if others:
            add_note(last, f"all {len(others) + 1} attempts failed")
        for error in others:
            add_note(last, f"another attempt: {one_line(error)}")
        return last

    def log_failed_clean_ups(self, name: str) -> None:
        """Log the errors of attempts that were cancelled because another had won."""
        for error in self.failed_clean_ups:
            _logger.warning("hedge: a cancelled attempt of %s failed to clean up: %s", name, one_line(error))
        self.failed_clean_ups.clear()


def _nothing(_: None) -> None:
    """What wakes the starter is told in the race itself."""
