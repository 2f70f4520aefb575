"""What is done about the errors of a worker pool's items."""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from .item_handle import ItemHandle
from .ledger import Ledger

T = TypeVar("T")

OnError: TypeAlias = Literal["report", "cancel"] | Callable[[T, Exception], object]


class ErrorPolicy(Generic[T]):
    """Decides who is told of an error: whoever awaits the item's handle, or else whoever stops the pool.

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

    def enter(self, handle: ItemHandle[T, Any], error: Exception) -> None:
        """The item of *handle* raised *error*."""
        self._ledger.enter_error(handle, error)
        if callable(self._on_error):
            self._call(self._on_error, handle, error)
            return
        self._ledger.keep(handle, error)
        if self._on_error == "cancel" and self.cause is None:
            self.cause = error
            self._cancel()

    def _call(
        self, on_error: Callable[[T, Exception], object], handle: ItemHandle[T, Any], error: Exception
    ) -> None:
        try:
            on_error(handle.item, error)
        except Exception as its_own:
            self._ledger.keep(handle, its_own)

    def raise_errors(self) -> None:
        """Raise what nobody was told of, once."""
        if errors := self._ledger.take_errors():
            count = "1 item" if len(errors) == 1 else f"{len(errors)} items"
            raise ExceptionGroup(f"{count} of a worker pool failed", errors)

    def note_errors(self, exc: BaseException) -> None:
        """Tell of it in *exc*, which is on its way already."""
        for error in self._ledger.errors:
            exc.add_note(f"an item of a worker pool failed, too: {error!r}")
