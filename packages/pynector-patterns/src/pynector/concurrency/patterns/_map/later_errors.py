"""Errors that come after the one that ends a map."""

from pynector.concurrency.task.lowlevel import add_note, one_line


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
