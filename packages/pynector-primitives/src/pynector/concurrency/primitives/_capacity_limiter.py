"""The capacity limiter."""

import math
from collections.abc import Coroutine
from reprlib import Repr
from types import TracebackType
from typing import Any, NoReturn

from anyio import WouldBlock

from pynector.concurrency.task.lowlevel import READY, ParkingLot, check_int, checkpoint, current_task

from ._fast_acquire import ALWAYS, budget_for
from ._statistics import CapacityLimiterStatistics, task_info

RUNNING_TASK = object()

_repr = Repr()  # cut short, and there even if an object's own `repr` fails
_repr.maxother = _repr.maxstring = 200


class CapacityLimiter:
    """Bounds how many run at once, and knows who holds each of its tokens.

    Tasks that find no token wait, and are served in order of arrival. A task may hold several tokens through
    `acquire`, unlike with AnyIO's limiter; `acquire_on_behalf_of` keeps AnyIO's rule of one per borrower. If
    it does not matter which task returns a token, `Semaphore` is cheaper.

    Once a task has waited, the limiter belongs to that event loop: it raises `RuntimeError` in another loop
    or thread.

    Args:
        total_tokens: The number of tokens, zero or more, or `math.inf`.
        fast_acquire: Skip the checkpoint when a token is available, except every 64th time (the objects of a
            thread count together). Faster, for tasks that pass checkpoints elsewhere.

    Raises:
        TypeError: *total_tokens* is neither an int nor `math.inf`.
        ValueError: *total_tokens* is negative.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import CapacityLimiter

        async def main() -> None:
            limiter = CapacityLimiter(2)
            async with limiter:
                print(limiter.borrowed_tokens, limiter.available_tokens)
                #> 1 1

        anyio.run(main)
        ```
    """

    __slots__ = (
        "__weakref__",
        "_borrowed",
        "_borrowers",
        "_budget",
        "_lot",
        "_reserved",
        "_total",
        "_waiting",
    )

    def __init__(self, total_tokens: float, *, fast_acquire: bool = False) -> None:
        # Invariant: nobody waits while _borrowed, which is the sum of _borrowers, is less than _total.
        self._total = _tokens(total_tokens)
        self._borrowed = 0
        self._borrowers: dict[Any, int] = {}
        self._waiting: dict[Any, Any] = {}  # each task that waits, and for whom
        self._reserved: set[Any] = set()  # on whose behalf somebody acquires at the moment
        self._budget = budget_for(fast_acquire)
        self._lot: ParkingLot[None] = ParkingLot("CapacityLimiter", holders=self._borrowers.keys)

    def __repr__(self) -> str:
        return f"<CapacityLimiter {self._borrowed} of {self._total} borrowed, {len(self._lot)} waiting>"

    @property
    def total_tokens(self) -> float:
        """The number of tokens. May be set: raising it serves waiters, lowering it takes nothing back."""
        return self._total

    @total_tokens.setter
    def total_tokens(self, value: float) -> None:
        self._lot.check_loop("setting total_tokens")
        self._total = _tokens(value)
        self._serve()

    @property
    def borrowed_tokens(self) -> int:
        """The number of tokens that are borrowed now."""
        return self._borrowed

    @property
    def available_tokens(self) -> float:
        """The number of free tokens; negative after `total_tokens` was lowered below the number borrowed."""
        return self._total - self._borrowed

    def __aenter__(self) -> Coroutine[Any, Any, None]:
        if self._borrowed >= self._total or next(self._budget):
            return self._acquire()
        self._take(current_task())
        return READY

    # Neither of these makes a coroutine where nothing waits: it would be a tenth of the cost of a free lock.
    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        self.release()
        return READY

    _enter = __aenter__  # for `acquire`: a subclass may enter by acquiring

    async def acquire(self) -> None:
        """Borrow a token for the running task, waiting until one is available.

        A checkpoint, even when one is available, unless made with `fast_acquire=True`. If cancelled, nothing
        has been borrowed, and a token on its way goes to the next.

        Raises:
            RuntimeError: the task holds all borrowed tokens itself, so it would wait for ever; this is not
                the event loop that the limiter belongs to.
        """
        if (rest := self._enter()) is not READY:
            await rest

    async def _acquire(self, borrower: Any = RUNNING_TASK) -> None:
        task = current_task()
        if borrower is RUNNING_TASK:
            borrower = task
        if self._borrowed < self._total and self._budget is not ALWAYS:
            await checkpoint()
        if not self._take(borrower):
            await self._wait(task, borrower)
        elif self._budget is ALWAYS:
            try:
                await checkpoint()
            except BaseException:
                self._take_back(borrower)
                raise

    def acquire_nowait(self) -> None:
        """Borrow a token for the running task if one is available. No checkpoint.

        Raises:
            anyio.WouldBlock: none is available.
            RuntimeError: this is not the event loop that the limiter belongs to.
        """
        self._acquire_nowait(current_task())

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Borrow a token for *borrower*, any hashable object, waiting until one is available.

        A checkpoint, even when one is available, unless made with `fast_acquire=True`. If cancelled, nothing
        has been borrowed, and a token on its way goes to the next.

        Raises:
            TypeError: *borrower* is not hashable.
            RuntimeError: *borrower* holds a token or waits for one already; this is not the event loop that
                the limiter belongs to.
        """
        if self._lot.loop is not None:
            self._lot.check_loop("acquire_on_behalf_of")
        self._refuse_twice(borrower)
        self._reserved.add(borrower)
        try:
            if self._borrowed >= self._total or next(self._budget):
                await self._acquire(borrower)
            else:
                self._take(borrower)
        finally:
            self._reserved.discard(borrower)

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """Borrow a token for *borrower*, any hashable object, if one is available. No checkpoint.

        Raises:
            anyio.WouldBlock: none is available.
            TypeError: *borrower* is not hashable.
            RuntimeError: *borrower* holds a token or waits for one already; this is not the event loop that
                the limiter belongs to.
        """
        self._refuse_twice(borrower)
        self._acquire_nowait(borrower)

    def release(self) -> None:
        """Release one token of the running task.

        Raises:
            RuntimeError: the task holds none.
        """
        self.release_on_behalf_of(current_task())

    def release_on_behalf_of(self, borrower: object) -> None:
        """Release one token of *borrower*, which may be any that `statistics()` names.

        That includes a token which was granted a moment ago. `acquire_on_behalf_of` then returns as usual,
        but the borrower holds nothing.

        Raises:
            TypeError: *borrower* is not hashable.
            RuntimeError: *borrower* holds none; this is not the event loop that the limiter belongs to.
        """
        if self._lot.loop is not None:
            self._lot.check_loop("release")
        try:
            if borrower not in self._borrowers:
                self._refuse(borrower, "isn't holding any of this CapacityLimiter's tokens")
        except TypeError:
            _refuse_unhashable(borrower)
            raise
        self._give_back(borrower)

    def statistics(self) -> CapacityLimiterStatistics:
        """Return the borrowers and the waiters."""
        held, waiters = tuple(self._borrowers), tuple(self._lot.parked())
        return CapacityLimiterStatistics(self._borrowed, self._total, held, len(waiters), waiters)

    def _take(self, borrower: Any) -> bool:
        if self._borrowed >= self._total:
            return False
        if self._lot.loop is not None:
            self._lot.check_loop("acquire")
        self._lend(borrower)
        return True

    async def _wait(self, task: Any, borrower: Any) -> None:
        self._refuse_to_wait_for_itself(borrower)
        self._waiting[task] = borrower
        try:
            await self._lot.park(lambda _: self._take_back(borrower))
        finally:
            self._waiting.pop(task, None)

    def _acquire_nowait(self, borrower: Any) -> None:
        self._lot.check_loop("acquire_nowait")
        if self._borrowed >= self._total:
            raise WouldBlock
        self._lend(borrower)

    def _lend(self, borrower: Any) -> None:
        held = self._borrowers.get(borrower, 0) + 1
        self._borrowed += 1  # from here on nothing is called: an interrupt would come between
        self._borrowers[borrower] = held

    def _give_back(self, borrower: Any) -> None:
        self._borrowed -= 1
        if self._borrowers[borrower] == 1:
            del self._borrowers[borrower]
        else:
            self._borrowers[borrower] -= 1
        if self._waiting:
            self._serve()

    def _take_back(self, borrower: Any) -> None:
        if borrower in self._borrowers:  # another task may have given back what a task begins to hold
            self._give_back(borrower)

    def _serve(self) -> None:
        while self._borrowed < self._total and (task := self._lot.wake_first(None)) is not None:
            self._lend(self._waiting.pop(task))

    def _refuse_to_wait_for_itself(self, borrower: Any) -> None:
        if self._borrowers.get(borrower, 0) == self._borrowed > 0:
            self._refuse(
                borrower,
                "is already holding one of this CapacityLimiter's tokens, and nobody else holds another: it"
                " would wait for itself",
            )

    def _refuse_twice(self, borrower: Any) -> None:
        try:
            holds = borrower in self._borrowers
        except TypeError:
            _refuse_unhashable(borrower)
            raise
        if holds or borrower in self._reserved or self._waits(borrower):
            self._refuse(
                borrower, "is already holding one of this CapacityLimiter's tokens, or waits for one"
            )

    def _refuse(self, borrower: object, why: str) -> NoReturn:
        error = RuntimeError(f"this borrower {why}")
        task = task_info(borrower)
        name = _repr.repr(borrower) if task is None else f"task {task.name!r}"
        error.add_note(f"the borrower is {name}, the limiter is {self!r}")
        raise error

    def _waits(self, borrower: object) -> bool:
        """Whether it is a task that waits for a token of its own."""
        return borrower in self._waiting and self._waiting[borrower] is borrower


def _tokens(value: float) -> float:
    if value == math.inf:
        return value
    if not isinstance(value, int):
        raise TypeError(f"total_tokens must be an int or math.inf, not {value!r}")
    return check_int("total_tokens", value, minimum=0)


def _refuse_unhashable(borrower: object) -> None:
    try:
        hash(borrower)
    except TypeError:
        raise TypeError(f"borrower must be hashable, not {_repr.repr(borrower)}") from None
