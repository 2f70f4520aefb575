"""What has become of the items of a worker pool, and who learns of their errors."""

# pyright: reportPrivateUsage=false

import logging
import reprlib
from collections.abc import Callable
from contextvars import Context
from traceback import format_tb
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast
from weakref import ref

from anyio import CancelScope, ClosedResourceError, get_cancelled_exc_class

from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    add_note,
    is_cancellation,
    leaves,
    one_line,
    raise_first,
)

from .handle import ItemHandle

T = TypeVar("T")
Handle: TypeAlias = ItemHandle[Any, Any]

logger = logging.getLogger("pynector.concurrency.patterns")

OnError: TypeAlias = Literal["report", "log", "cancel"] | Callable[[T, Exception], object]

ERRORS_KEPT = 10
"""How many errors stopping a pool raises at most; the others are counted."""


class PoolCancelled(ClosedResourceError):
    """An item was not accepted because its pool has been cancelled."""


class Unread:
    """An error that nobody has read yet.

    Attributes:
        number: How many items had failed before.
        error: The error.
        readers: How many tasks that awaited the item have not run since, and may be about to read it.
    """

    __slots__ = ("error", "number", "readers")

    def __init__(self, number: int, error: Exception, readers: int) -> None:
        self.number = number
        self.error = error
        self.readers = readers


class Outcomes(Generic[T]):
    """Counts what is done, and brings each error to whoever awaits the item, or the log, or stops the pool.

    An error is in `_unread` as long as somebody has the item's handle, and may read it there. After that it
    is one of a few in `_kept`, without the frames of its traceback, or is only counted.

    Args:
        on_error: See `WorkerPool`.
        settled: Where the task that stops the pool waits until all who awaited a failed item have run.
        cancel: Cancels the pool.

    Attributes:
        failed: How many items raised an error.
        cancelled: How many were cancelled, or never begun.
        cut_short: How many of these had begun.
        cause: The error that made the pool be cancelled.
        pool_is_cancelled: Whether the pool has been cancelled.
    """

    def __init__(
        self, on_error: OnError[T], settled: ParkingLot[None], *, cancel: Callable[[], None]
    ) -> None:
        if on_error not in ("report", "log", "cancel") and not callable(on_error):
            raise ValueError(f"on_error must be 'report', 'log', 'cancel' or a function, not {on_error!r}")
        self.failed: int = 0
        self.cancelled: int = 0
        self.cut_short: int = 0
        self.cause: Exception | None = None
        self.pool_is_cancelled: bool = False
        self._on_error = on_error
        self._cancel = cancel
        self._settled = settled
        self._waiters = 0  # tasks that waited for an item that failed, and have not run since
        self._interrupted: list[T] = []
        self._unbegun: list[T] = []
        self._unread: dict[ref[Handle], Unread] = {}
        self._kept: list[Unread] = []
        self._left_out = 0

    @property
    def unprocessed(self) -> list[T]:
        """The items that were cancelled with the pool before they were done, those that had begun first."""
        return self._interrupted + self._unbegun

    @property
    def unread_count(self) -> int:
        """How many errors have reached nobody."""
        return len(self._unread) + len(self._kept) + self._left_out

    def item_cancelled(self, handle: ItemHandle[T, Any], *, alone: bool) -> None:
        """The item was cancelled; unless that was *alone*, apart from the pool, it counts as unprocessed."""
        has_begun = handle._runner is not None
        self.cancelled += 1
        self.cut_short += has_begun
        if not alone:
            (self._interrupted if has_begun else self._unbegun).append(handle.item)
        handle._drop()

    def item_failed(self, handle: ItemHandle[T, Any], error: Exception, context: Context | None) -> None:
        """The item raised *error*; it ran in *context*, or in the context that is current here."""
        readers = self.item_raised(handle, error)
        if callable(self._on_error):
            try:
                if context is None:
                    self._on_error(handle.item, error)
                else:
                    context.run(self._on_error, handle.item, error)
            except Exception as its_own:
                self._log(handle, its_own)
                self._keep(Unread(self.failed, its_own, 0))  # not by the handle: that has the other one
            return
        if not readers:
            self._log(handle, error)
        if readers or self._on_error != "log":
            self._unread[ref(handle, self._handle_is_gone)] = Unread(self.failed, error, readers)
        if self._on_error == "cancel" and self.cause is None:
            self.cause = error
            self._cancel()

    def item_raised(self, handle: ItemHandle[T, Any], error: BaseException) -> int:
        """Count an item that raised *error*, and return how many tasks will read that from its handle."""
        self.failed += 1
        waiters, readers = handle._fail(error)
        self._waiters += waiters
        return readers

    def error_read(self, handle: Handle) -> None:
        """Somebody has read what the item raised."""
        self._unread.pop(ref(handle), None)

    def waiter_ran(self) -> None:
        """A task that waited for an item that failed has run; it may have been cancelled."""
        self._waiters -= 1
        if self._settled.queue and not self._waiters:
            self._settled.unpark_all(None)

    def reader_ran(self, handle: Handle) -> None:
        """A task that wanted the result of an item that failed has read it, or been cancelled."""
        if (unread := self._unread.get(ref(handle))) is not None:
            unread.readers -= 1
            if not unread.readers:
                self._log(handle, unread.error)
                if self._on_error == "log":
                    self.error_read(handle)

    def refusal(self) -> ClosedResourceError:
        """Return the error of a submitter that comes too late."""
        kind = PoolCancelled if self.pool_is_cancelled else ClosedResourceError
        error = kind("worker pool is stopped; it takes no more items")
        error.__cause__ = self.cause
        return error

    async def raise_errors(self) -> None:
        """Raise the errors that have reached nobody, once."""
        await self._let_waiters_run()
        if self.unread_count:
            raise self._group()

    async def tell_beside(self, exc: BaseException, before: int) -> None:
        """Bring the errors to whoever gets *exc*, which is on its way: as notes, or before a cancellation.

        Args:
            exc: What leaves the block.
            before: The `native_cancellations` as the block was entered.
        """
        await self._let_waiters_run()
        if not self.unread_count:
            return
        if is_cancellation(exc):
            await raise_first(self._group(), before)
        count = self.unread_count
        errors = self._take()
        for error in errors:
            add_note(exc, f"an item of a worker pool failed, too: {one_line(error)}")
        if count > len(errors):
            add_note(exc, f"and {count - len(errors)} more items failed")

    async def _let_waiters_run(self) -> None:
        if self._waiters and self.unread_count:
            with CancelScope(shield=True):  # not for long: they are woken already
                while self._waiters:
                    await self._settled.park(_ignore)

    def _group(self) -> ExceptionGroup[Exception]:
        summary = _summary(self.unread_count)
        return ExceptionGroup(summary, self._take())

    def _take(self) -> list[Exception]:
        unread = sorted([*self._kept, *self._unread.copy().values()], key=lambda one: one.number)
        self._kept.clear()
        self._unread.clear()
        self._left_out = 0
        return [one.error for one in unread[:ERRORS_KEPT]]

    def _handle_is_gone(self, gone: ref[Handle]) -> None:
        if (unread := self._unread.pop(gone, None)) is not None:
            self._keep(unread)

    def _keep(self, unread: Unread) -> None:
        if len(self._kept) == ERRORS_KEPT:
            self._left_out += 1
        else:
            forget_frames(unread.error)
            self._kept.append(unread)

    def _log(self, handle: Handle, error: Exception) -> None:
        logger.error(
            "item %s of a worker pool failed: %s", _in_short(handle.item), one_line(error), exc_info=error
        )


def split_cancellation(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Return the cancellation that *error* is, or has inside, and what else it is.

    With trio a nursery's group may hold the cancellations of its children, alone or beside their errors.
    """
    cancelled = get_cancelled_exc_class()
    if isinstance(error, cancelled):
        return error, None
    if not isinstance(error, BaseExceptionGroup):
        return None, error
    found, rest = cast("BaseExceptionGroup[BaseException]", error).split(cancelled)
    return None if found is None else next(leaves(found)), rest


def is_refusal_by_cancelled_pool(error: Exception) -> bool:
    """Whether *error* says nothing but that a pool, which was cancelled, has refused an item."""
    return all(isinstance(leaf, PoolCancelled) for leaf in leaves(error))


def _summary(count: int) -> str:
    if count > ERRORS_KEPT:
        return f"{count} items of a worker pool failed, the first {ERRORS_KEPT} of them"
    return f"{count} item{'' if count == 1 else 's'} of a worker pool failed"


def forget_frames(error: BaseException) -> None:
    """Let go of the frames in the tracebacks of *error*, and of what is in them; where they were is noted."""
    if error.__traceback__ is not None:
        add_note(error, "it was raised here:\n" + "".join(format_tb(error.__traceback__)).rstrip())
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        BaseException.with_traceback(one, None)  # what no class can refuse
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions


def _in_short(item: object) -> str:
    try:
        return reprlib.repr(item)
    except Exception:
        return f"<{type(item).__qualname__}>"


def _ignore(_: None) -> None:
    """Nobody else is owed the wake-up: all are woken."""
