"""The rate limiter."""

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from anyio import CancelScope, WouldBlock

from pynector.concurrency.task.lowlevel import (
    ParkedTask,
    ParkingLot,
    check_int,
    check_number,
    check_positive,
    checkpoint,
    current_time,
)


class Gcra:
    """Decides whether a permit may be taken at a given time; keeps one number, and no clock.

    The algorithm of ITU-T I.371: each permit makes the next ones due one interval later; a permit may be
    taken `burst - 1` intervals before it is due. So any window of `w` seconds holds `burst + w / interval`
    permits at most.
    """

    __slots__ = ("_ahead", "_due", "_interval")

    def __init__(self, interval: float, burst: int) -> None:
        self._interval = interval
        self._ahead = interval * (burst - 1)
        self._due = -math.inf

    def may_take_at(self) -> float:
        """Return the time from which the next permit may be taken."""
        return self._due - self._ahead

    def take(self, now: float) -> None:
        """Take a permit at *now*, which is not before `may_take_at()`."""
        self._due = max(self._due, now) + self._interval


@dataclass(frozen=True)
class RateLimiterStatistics:
    """The state of a `RateLimiter`.

    Attributes:
        tasks_waiting: The number of tasks that wait for a permit.
        waiters: The tasks that wait, in order of arrival.
    """

    tasks_waiting: int
    waiters: tuple[ParkedTask, ...] = ()


class RateLimiter:
    """Limits how many calls start per second: each takes a permit, and waits until it is due.

    Permits are taken and never returned. To bound how many calls run at the same time, use `Semaphore` or
    `CapacityLimiter`.

    Any window of `w` seconds holds `burst + rate * w / per` permits at most. Tasks are served in order of
    arrival; a cancelled one takes nothing, and those behind it move up. There is no background task: the
    first waiter sleeps until its permit is due.

    Once a task has waited, the limiter belongs to that event loop: it raises `RuntimeError` in another loop
    or thread.

    Args:
        rate: Permits every *per* seconds, more than zero.
        per: Seconds, more than zero.
        burst: Permits that can be taken at once after a rest, at least one. With 1 they are evenly spaced.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of its range, or `per / rate` or `burst * per / rate` is not finite.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import RateLimiter

        async def main() -> None:
            limiter = RateLimiter(100, per=60, burst=10)  # 100 a minute, up to 10 at once
            async with limiter:
                print("called")
                #> called

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_gcra", "_lot", "_naps", "_taken_turn")

    def __init__(self, rate: float, per: float = 1.0, burst: int = 1) -> None:
        self._gcra = _decider(rate, per, burst)
        # Invariant: one task at most has the turn, and takes the next permit. The others wait for the turn.
        self._taken_turn = False
        self._lot: ParkingLot[None] = ParkingLot("RateLimiter")
        # The task that has the turn, and waits for the clock.
        self._naps: ParkingLot[None] = ParkingLot("RateLimiter", same_loop_as=self._lot)

    def __repr__(self) -> str:
        return f"<RateLimiter {self._waiting()} waiting>"

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Nothing is given back."""

    async def acquire(self) -> None:
        """Take one permit, waiting until it is due.

        A checkpoint, always. If cancelled, nothing has been taken.

        Raises:
            RuntimeError: this is not the event loop that the limiter belongs to.
        """
        self._naps.check_loop("acquire()")
        if self._taken_turn:
            await self._lot.park(self._pass_turn)
            yielded = True
        else:
            self._taken_turn = True
            yielded = False
        try:
            await self._take_when_due(yielded)
        finally:
            self._pass_turn(None)

    async def _take_when_due(self, yielded: bool) -> None:
        if not yielded and self._gcra.may_take_at() <= current_time():
            await checkpoint()
        # A timer may fire a little early, by the resolution of the clock.
        while self._gcra.may_take_at() > current_time():
            with CancelScope(deadline=self._gcra.may_take_at()):
                await self._naps.park(_nothing)
        self._gcra.take(current_time())

    def acquire_nowait(self) -> None:
        """Take one permit if one is due and nobody waits. No checkpoint.

        Raises:
            anyio.WouldBlock: none is due, or another task waits.
            RuntimeError: this is not the event loop that the limiter belongs to.
        """
        self._naps.check_loop("acquire_nowait()")
        now = current_time()
        if self._taken_turn or self._gcra.may_take_at() > now:
            raise WouldBlock
        self._gcra.take(now)

    def statistics(self) -> RateLimiterStatistics:
        """Return the waiters."""
        return RateLimiterStatistics(self._waiting(), (*self._naps.parked(), *self._lot.parked()))

    def _waiting(self) -> int:
        return len(self._naps) + len(self._lot)

    def _pass_turn(self, _: None) -> None:
        self._taken_turn = self._lot.unpark(None) is not None


def _nothing(_: None) -> None:
    """Nobody wakes a nap but the clock."""


def _decider(rate: float, per: float, burst: int) -> Gcra:
    interval = check_positive("per", per) / check_positive("rate", rate)
    if not 0.0 < interval < math.inf:
        raise ValueError(f"per / rate must be a finite number of seconds > 0, not {interval}")
    check_int("burst", burst, minimum=1)
    # What is infinite can be compared with nothing: no permit would be held back.
    if check_number("burst", burst) * interval == math.inf:
        raise ValueError("burst * per / rate must be a finite number of seconds, not inf")
    return Gcra(interval, burst)
