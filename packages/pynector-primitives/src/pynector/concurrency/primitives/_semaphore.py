"""The semaphore."""

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from anyio import WouldBlock

from pynector.concurrency.task.lowlevel import READY, ParkingLot, check_int, checkpoint

from ._fast_acquire import ALWAYS, budget_for
from ._statistics import SemaphoreStatistics


class Semaphore:
    """A number of free places: a task takes one, works, and gives it back.

    Tasks that find no free place wait, and are served in order of arrival: `release` hands the place to the
    task that has waited longest, so that no newcomer overtakes. Any task may `release`, not only one that
    acquired. If a place belongs to the task that took it, use `CapacityLimiter`.

    Once a task has waited, the semaphore belongs to that event loop: it raises `RuntimeError` in another
    loop or thread.

    Args:
        initial_value: Places free at the start, zero or more.
        max_value: The most places that may be free; None: no limit. A release above it is refused.
        fast_acquire: Skip the checkpoint when a place is free, except every 64th time (the objects of a
            thread count together). Faster, for tasks that pass checkpoints elsewhere.

    Raises:
        TypeError: *initial_value* or *max_value* is not an int.
        ValueError: *initial_value* is negative, or *max_value* is less than it.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import Semaphore

        async def main() -> None:
            uploads = Semaphore(3)
            async with uploads:  # at most three at once
                print(uploads.value)
                #> 2

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_budget", "_lot", "_max_value", "_value")

    def __init__(
        self, initial_value: int, *, max_value: int | None = None, fast_acquire: bool = False
    ) -> None:
        # Invariant: a place is free only while nobody waits.
        self._value = check_int("initial_value", initial_value, minimum=0)
        if max_value is not None and check_int("max_value", max_value, minimum=0) < initial_value:
            raise ValueError(f"max_value must be >= initial_value, {initial_value}, not {max_value}")
        self._max_value = max_value
        self._budget = budget_for(fast_acquire)
        self._lot: ParkingLot[None] = ParkingLot("Semaphore")

    def __repr__(self) -> str:
        return f"<Semaphore {self._value} free, {len(self._lot)} waiting>"

    async def __aenter__(self) -> Self:
        # What `acquire` does, without the coroutine: that would be a fifth of the cost of a free semaphore.
        lot = self._lot
        is_due = self._value and next(self._budget)
        if is_due and self._budget is not ALWAYS:
            await checkpoint()
        if not self._value:
            waiter = lot.enqueue()
            try:
                await waiter  # what `park` does, without the coroutine
                return self
            except BaseException:
                lot.abort(waiter, self._give_back)
                raise
        if lot.loop is not None:
            lot.check_loop("acquire")
        self._value -= 1  # from here on nothing is called: an interrupt would come between
        if is_due and self._budget is ALWAYS:
            try:
                await checkpoint()
            except BaseException:
                self._give_back(None)
                raise
        return self

    _enter = __aenter__  # for `acquire`: a subclass may enter by acquiring

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        if self._max_value is not None and self._value == self._max_value:  # comparing with None costs more
            self.release()  # which refuses
        elif self._lot.loop is None or self._lot.unpark(None) is None:
            self._value += 1
        return READY

    async def acquire(self) -> None:
        """Take one place, waiting until one is free.

        A checkpoint, even when a place is free, unless made with `fast_acquire=True`. If cancelled, nothing
        has been taken, and a place on its way goes to the next.

        Raises:
            RuntimeError: this is not the event loop that the semaphore belongs to.
        """
        await self._enter()

    def acquire_nowait(self) -> None:
        """Take one place if one is free. No checkpoint.

        Raises:
            anyio.WouldBlock: none is free.
            RuntimeError: this is not the event loop that the semaphore belongs to.
        """
        self._lot.check_loop("acquire_nowait")
        if not self._value:
            raise WouldBlock
        self._value -= 1

    def release(self) -> None:
        """Hand one place to the task that has waited longest, or leave it free.

        Raises:
            ValueError: *max_value* places are free already.
            RuntimeError: this is not the event loop that the semaphore belongs to.
        """
        if self._max_value is not None and self._value == self._max_value:
            raise ValueError(f"semaphore released too many times; its max_value is {self._max_value}")
        if self._lot.loop is None or self._lot.unpark(None) is None:
            self._value += 1

    def _give_back(self, _: None) -> None:
        if self._lot.wake_first(None) is None:
            self._value += 1

    @property
    def value(self) -> int:
        """The number of free places."""
        return self._value

    @property
    def max_value(self) -> int | None:
        """The most places that may be free; None: no limit."""
        return self._max_value

    def statistics(self) -> SemaphoreStatistics:
        """Return the waiters."""
        waiters = tuple(self._lot.parked())
        return SemaphoreStatistics(len(waiters), waiters)
