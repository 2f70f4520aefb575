"""What has become of the items of a worker pool."""

# pyright: reportPrivateUsage=false

import logging
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from anyio import CancelScope, ClosedResourceError

from pynector.concurrency.task.lowlevel import ParkingLot, add_note, one_line

from .handle import ItemHandle, ItemStatus
from .worker import split_cancellation

T = TypeVar("T")


class Outcomes(Generic[T]):
    """Counts what is done, and keeps what would be lost otherwise. It decides, and never waits.

    Attributes:
        failed: How many items raised an error.
        cancelled: How many were cancelled, or never begun.
        cut_short: How many of these had begun.
        unread_waiters: How many tasks waited for an item that failed, and have not run since. Each may be
            about to receive the error, or may be cancelled first.
        quiet: Where tasks wait until there are none of these, to know which errors nobody has received.
    """

    __slots__ = (
        "_errors",
        "_interrupted",
        "_unbegun",
        "cancelled",
        "cut_short",
        "failed",
        "quiet",
        "unread_waiters",
    )

    def __init__(self, quiet: ParkingLot[None]) -> None:
        self.quiet: ParkingLot[None] = quiet
        self.unread_waiters: int = 0
        self.failed: int = 0
        self.cancelled: int = 0
        self.cut_short: int = 0
        self._interrupted: list[T] = []
        self._unbegun: list[T] = []
        self._errors: dict[ItemHandle[T, Any], Exception] = {}

    def enter_error(self, handle: ItemHandle[T, Any], error: BaseException) -> None:
        """The item raised *error*."""
        self.failed += 1
        if handle._outcome is not None:
            self.unread_waiters += len(handle._outcome)
        _close(handle, ItemStatus.FAILED, error)

    def enter_cancellation(self, handle: ItemHandle[T, Any], *, wanted: bool) -> None:
        """The item was cancelled; if that was not *wanted* for itself, it counts as unprocessed."""
        has_begun = handle._worker is not None
        self.cancelled += 1
        self.cut_short += has_begun
        if not wanted:
            (self._interrupted if has_begun else self._unbegun).append(handle._item)
        _close(handle, ItemStatus.CANCELLED, None)

    def keep(self, handle: ItemHandle[T, Any], error: Exception) -> None:
        """Keep *error* for whoever stops the pool, unless it is asked for before."""
        self._errors[handle] = error

    def forget(self, handle: ItemHandle[T, Any]) -> None:
        """Somebody has been told what the item raised."""
        self._errors.pop(handle, None)

    def has_run(self) -> None:
        """One of the unread_waiters has run: it was told, or was cancelled, or never wanted to know."""
        self.unread_waiters -= 1
        if self.quiet.queue and not self.unread_waiters:
            self.quiet.unpark_all(None)

    @property
    def unprocessed(self) -> list[T]:
        """The items that were cancelled with the pool before they were done, those that had begun first."""
        return self._interrupted + self._unbegun

    @property
    def errors(self) -> list[Exception]:
        """The errors that nobody was told of."""
        return list(self._errors.values())

    def take_errors(self) -> list[Exception]:
        """Return the errors that nobody was told of, and forget them."""
        errors = self.errors
        self._errors.clear()
        return errors


def _close(handle: ItemHandle[Any, Any], status: ItemStatus, outcome: object) -> None:
    handle._stage = status
    waiters, handle._outcome = handle._outcome, outcome
    if waiters is not None:
        handle._workers.wake(waiters)


logger = logging.getLogger("pynector.concurrency.patterns")

OnError: TypeAlias = Literal["report", "cancel"] | Callable[[T, Exception], object]


class ErrorPolicy(Generic[T]):
    """Decides who receives an error: whoever awaits the item's handle, or else whoever stops the pool.

    Args:
        on_error: See `WorkerPool`.
        cancel: Cancels the pool.

    Attributes:
        cause: The error that made the pool be cancelled.
    """

    __slots__ = ("_cancel", "_on_error", "_outcomes", "cause")

    def __init__(self, on_error: OnError[T], outcomes: Outcomes[T], cancel: Callable[[], None]) -> None:
        if on_error not in ("report", "cancel") and not callable(on_error):
            raise ValueError(f"on_error must be 'report', 'cancel' or a function, not {on_error!r}")
        self.cause: Exception | None = None
        self._on_error = on_error
        self._outcomes = outcomes
        self._cancel = cancel

    def enter(self, handle: ItemHandle[T, Any], error: Exception, context: Context | None) -> None:
        """The item of *handle* raised *error*; it ran in *context*, or in the one that is current here."""
        self._outcomes.enter_error(handle, error)
        if callable(self._on_error):
            self._call(self._on_error, handle, error, context)
            return
        self._outcomes.keep(handle, error)
        if self._on_error == "cancel" and self.cause is None:
            self.cause = error
            self._cancel()

    def _call(
        self,
        on_error: Callable[[T, Exception], object],
        handle: ItemHandle[T, Any],
        error: Exception,
        context: Context | None,
    ) -> None:
        try:
            if context is None:
                on_error(handle.item, error)
            else:
                context.run(on_error, handle.item, error)
        except Exception as its_own:
            self._outcomes.keep(handle, its_own)

    def refusal(self) -> ClosedResourceError:
        """Return what a submitter is told who comes too late."""
        error = ClosedResourceError("worker pool is stopped; it takes no more items")
        error.__cause__ = self.cause
        return error

    async def raise_errors(self) -> None:
        """Raise what nobody was told of, once."""
        await self._let_listeners_run()
        if errors := self._outcomes.take_errors():
            raise ExceptionGroup(_summary(errors), errors)

    async def tell_beside(self, exc: BaseException) -> None:
        """Note the errors in *exc*, which is on its way already; in the log, if that is a cancellation."""
        await self._let_listeners_run()
        errors = self._outcomes.errors
        if split_cancellation(exc)[1] is not None:
            for error in errors:
                add_note(exc, f"an item of a worker pool failed, too: {one_line(error)}")
        elif errors:
            summary = _summary(errors)
            told = errors[0] if len(errors) == 1 else ExceptionGroup(summary, errors)
            logger.error("%s, and its block was cancelled before anybody was told", summary, exc_info=told)

    async def _let_listeners_run(self) -> None:
        outcomes = self._outcomes
        if outcomes.unread_waiters and outcomes.errors:
            with CancelScope(shield=True):  # not for long: they are woken already
                while outcomes.unread_waiters:
                    await outcomes.quiet.park(lambda _: None)


def _summary(errors: list[Exception]) -> str:
    count = "1 item" if len(errors) == 1 else f"{len(errors)} items"
    return f"{count} of a worker pool failed"


@dataclass(frozen=True, slots=True)
class WorkerPoolStatistics:
    """A worker pool at one moment.

    Attributes:
        num_workers: How many workers there may be.
        workers: How many there are: they are started when there is work for them.
        running: How many items are being worked on.
        queued: How many items wait for a worker.
        waiting: How many tasks wait for room in the queue.
        finished: How many items came to their end so far.
        failed: How many raised an error.
        cancelled: How many were cancelled, on their own or with the pool.
    """

    num_workers: int
    workers: int
    running: int
    queued: int
    waiting: int
    finished: int
    failed: int
    cancelled: int
