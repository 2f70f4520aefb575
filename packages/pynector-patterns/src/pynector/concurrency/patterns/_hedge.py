"""A second try while the first is slow."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar, TypeVarTuple

from anyio import TaskCancelled

from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    cancel_scope,
    check_callable,
    check_int,
    check_seconds,
    give_way,
)

from ._function_name import can_be_awaited, not_async
from ._retry.failed_attempt import error_line
from ._retry.retry_on import is_misuse

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def hedge(func: Callable[[*Ts], Awaitable[T]], *args: *Ts, delay: float, max_attempts: int = 2) -> T:
    """Call `func(*args)`, and again while there is no answer: the first success wins.

    Another attempt is begun whenever *delay* seconds have passed since the last one, and at once when one
    fails. As soon as one succeeds the others are cancelled; the call returns when they have ended. Each runs
    in a task of its own. For calls that may be made twice without harm: to read, not to pay.

    If all fail, the last error is raised as it is, with the others as notes. If cancelled, all attempts are.

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
    race = _Race[T](tg)
    async with tg:
        for attempts_left in reversed(range(max_attempts)):
            race.running += 1
            tg.start_soon(race.run, partial(func, *args))
            if attempts_left and not race.has_missed_news():
                with cancel_scope(delay):
                    await race.news.park(_nothing)
            if race.won or race.is_misused:
                break
    if not race.won and not race.errors:
        await give_way()
    return race.result()


class _Race(Generic[T]):
    """The attempts of one call: who won, and what failed."""

    __slots__ = ("_answer", "_missed", "_tg", "errors", "is_misused", "news", "running", "won")

    _answer: T

    def __init__(self, tg: TaskGroup) -> None:
        self._tg = tg
        self.won = False
        self.running = 0
        self.is_misused = False  # the call itself is wrong: another attempt would be, too
        self.errors: list[Exception] = []
        self.news: ParkingLot[None] = ParkingLot("hedge")
        self._missed = 0  # failures that woke nobody: the starter was awake, or was woken already

    def has_missed_news(self) -> bool:
        """Tell the starter, who is about to wait, that it need not; of each failure once."""
        if self.won or not self._missed:
            return self.won
        self._missed -= 1
        return True

    async def run(self, call: Callable[[], Awaitable[T]]) -> None:
        try:
            answer = await self._called(call)
        except Exception as error:
            self.errors.append(error)
            if self.news.unpark(None) is None:
                self._missed += 1
            return
        finally:
            self.running -= 1
        if not self.won:
            self.won = True
            self._answer = answer
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

    def result(self) -> T:
        """Give the winner's answer.

        Raises:
            Exception: nobody won; it is the last error.
            TaskCancelled: nobody won and nobody failed.
        """
        if self.won:
            return self._answer
        if not self.errors:
            raise TaskCancelled("the attempts were cancelled, and not by the caller")
        *others, last = self.errors
        self.errors.clear()  # their tracebacks lead here
        if others:
            last.add_note(f"all {len(others) + 1} attempts failed")
        for error in others:
            last.add_note(f"another attempt: {error_line(error)}")
        try:
            raise last
        finally:
            del last, others


def _nothing(_: None) -> None:
    """What wakes the starter is told in the race itself."""
