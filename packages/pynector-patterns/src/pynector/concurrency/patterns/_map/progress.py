"""How far a bounded map has come."""

from collections.abc import Callable, Sized
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MapProgress:
    """How far a bounded map has come.

    Attributes:
        done: How many items are done, failed ones included.
        failed: How many of them raised an error.
        total: How many items there are, if the input can tell.
    """

    done: int
    failed: int
    total: int | None


class ProgressCount:
    """Counts the items that are done, and tells whoever wants to know.

    Args:
        items: The input; its length is the total, if it has one.
        on_progress: Called after each item.
        show: Show a progress bar.

    Raises:
        ImportError: a progress bar is wanted, and tqdm is not installed.
    """

    __slots__ = ("_bar", "_context", "_done", "_failed", "_on_progress", "_total")

    def __init__(
        self, items: object, on_progress: Callable[[MapProgress], object] | None, *, show: bool
    ) -> None:
        self._done = self._failed = 0
        self._total = len(items) if isinstance(items, Sized) else None
        self._on_progress = on_progress
        self._context = Context()
        self._bar = _make_bar(self._total) if show else None

    def open(self) -> None:
        """Call `on_progress`, from now on, in a copy of the context that is current here."""
        self._context = copy_context()

    def count(self, *, failed: bool) -> None:
        """One more item is done."""
        self._done += 1
        self._failed += failed
        if self._bar is not None:
            self._bar.update()
        if self._on_progress is not None:
            progress = MapProgress(self._done, self._failed, self._total)
            self._context.run(self._on_progress, progress)  # not in that of an item, which shares its task

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def _make_bar(total: int | None) -> Any:
    try:
        from tqdm import tqdm  # an extra: most users have no need of it
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm, which is not installed; run: pip install 'pynector-patterns[progress]'"
        ) from None
    return tqdm(total=total)
