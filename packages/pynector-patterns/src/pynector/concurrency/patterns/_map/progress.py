"""How far a bounded map has come."""

from __future__ import annotations

from collections.abc import Callable, Sized
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pynector.concurrency.task.lowlevel import add_note, one_line


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


T_co = TypeVar("T_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Outcome(Generic[T_co, R_co]):
    """What became of one item of a `concurrent_map`: a result, or an error."""

    __slots__ = ("_error", "_item", "_result")

    def __init__(self, item: T_co, result: Any, error: Exception | None) -> None:
        self._item = item
        self._result: R_co = result
        self._error = error

    @property
    def item(self) -> T_co:
        """The item."""
        return self._item

    @property
    def error(self) -> Exception | None:
        """What the call raised, or None."""
        return self._error

    @property
    def result(self) -> R_co:
        """What the call returned.

        Raises:
            Exception: what it raised instead.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def __repr__(self) -> str:
        return f"<Outcome of {self._item!r}: {self._result if self._error is None else self._error!r}>"


class LaterErrors:
    """Counts the errors of items that end after the first error, such as those of their clean-ups.

    The first one is raised as it is. The others are noted in it: the first few of them, and how many.
    """

    __slots__ = ("_count", "_lines")

    _KEPT = 3

    def __init__(self) -> None:
        self._count = 0
        self._lines: list[str] = []

    def add(self, error: BaseException) -> None:
        """Count *error*."""
        self._count += 1
        if len(self._lines) < self._KEPT:
            self._lines.append(one_line(error))

    def note_in(self, first: BaseException) -> None:
        """Note the errors in *first*, once."""
        more = self._count - len(self._lines)
        for line in self._lines:
            add_note(first, f"another item failed, too: {line}")
        if more:
            add_note(first, f"{more} more {'item' if more == 1 else 'items'} failed, too")
        self._count, self._lines = 0, []
