"""What has become of the items of a worker pool."""

# pyright: reportPrivateUsage=false

from typing import Any, Generic, TypeVar

from pynector.concurrency.task.lowlevel import ParkingLot

from .item_handle import ItemHandle, ItemStatus
from .waking import wake_all

T = TypeVar("T")


class Ledger(Generic[T]):
    """Counts what is done, and keeps what would be lost otherwise. It decides, and never waits.

    Attributes:
        failed: How many items raised an error.
        cancelled: How many were cancelled, or never begun.
        cut_short: How many of these had begun.
        listeners: How many tasks waited for an item that failed, and have not run since. Each may be about
            to be told of the error, or may be cancelled first.
        quiet: Where tasks wait until there are no listeners, to know of which errors nobody was told.
    """

    __slots__ = (
        "_errors",
        "_interrupted",
        "_unbegun",
        "cancelled",
        "cut_short",
        "failed",
        "listeners",
        "quiet",
    )

    def __init__(self, quiet: ParkingLot[None]) -> None:
        self.quiet: ParkingLot[None] = quiet
        self.listeners: int = 0
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
            self.listeners += len(handle._outcome)
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
        """One of the listeners has run: it was told, or was cancelled, or never wanted to know."""
        self.listeners -= 1
        if self.quiet.queue and not self.listeners:
            wake_all(self.quiet)

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
        handle._crew.wake(waiters)
