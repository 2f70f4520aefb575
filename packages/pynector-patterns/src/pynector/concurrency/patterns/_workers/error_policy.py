"""What is done about the errors of a worker pool's items."""

import logging
from collections.abc import Callable
from contextvars import Context
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from anyio import CancelScope, ClosedResourceError

from pynector.concurrency.task.lowlevel import add_note, one_line

from .cancellation import split_cancellation
from .item_handle import ItemHandle
from .ledger import Ledger

T = TypeVar("T")

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

    __slots__ = ("_cancel", "_ledger", "_on_error", "cause")

    def __init__(self, on_error: OnError[T], ledger: Ledger[T], cancel: Callable[[], None]) -> None:
        if on_error not in ("report", "cancel") and not callable(on_error):
            raise ValueError(f"on_error must be 'report', 'cancel' or a function, not {on_error!r}")
        self.cause: Exception | None = None
        self._on_error = on_error
        self._ledger = ledger
        self._cancel = cancel

    def enter(self, handle: ItemHandle[T, Any], error: Exception, context: Context | None) -> None:
        """The item of *handle* raised *error*; it ran in *context*, or in the one that is current here."""
        self._ledger.enter_error(handle, error)
        if callable(self._on_error):
            self._call(self._on_error, handle, error, context)
            return
        self._ledger.keep(handle, error)
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
            self._ledger.keep(handle, its_own)

    def refusal(self) -> ClosedResourceError:
        """Return what a submitter is told who comes too late."""
        error = ClosedResourceError("worker pool is stopped; it takes no more items")
        error.__cause__ = self.cause
        return error

    async def raise_errors(self) -> None:
        """Raise what nobody was told of, once."""
        await self._let_listeners_run()
        if errors := self._ledger.take_errors():
            raise ExceptionGroup(_summary(errors), errors)

    async def tell_beside(self, exc: BaseException) -> None:
        """Note the errors in *exc*, which is on its way already; in the log, if that is a cancellation."""
        await self._let_listeners_run()
        errors = self._ledger.errors
        if split_cancellation(exc)[1] is not None:
            for error in errors:
                add_note(exc, f"an item of a worker pool failed, too: {one_line(error)}")
        elif errors:
            summary = _summary(errors)
            told = errors[0] if len(errors) == 1 else ExceptionGroup(summary, errors)
            logger.error("%s, and its block was cancelled before anybody was told", summary, exc_info=told)

    async def _let_listeners_run(self) -> None:
        ledger = self._ledger
        if ledger.listeners and ledger.errors:
            with CancelScope(shield=True):  # not for long: they are woken already
                while ledger.listeners:
                    await ledger.quiet.park(lambda _: None)


def _summary(errors: list[Exception]) -> str:
    count = "1 item" if len(errors) == 1 else f"{len(errors)} items"
    return f"{count} of a worker pool failed"
