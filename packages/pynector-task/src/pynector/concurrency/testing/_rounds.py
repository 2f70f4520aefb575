"""Callbacks that only go round."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, TypeAlias

from anyio import CancelScope

Call: TypeAlias = tuple[Callable[..., object], tuple[Any, ...]]
"""What is called, and with what."""

# Rounds that are the same before time may pass, for AnyIO. It delivers a cancellation again in each round,
# for as long as a task is shielded from it; time would never pass.
_OF_ANYIO = 16
# The same for others. They may poll, or count what they have to do where it cannot be seen.
_OF_OTHERS = 200


class Rounds:
    """Finds out whether callbacks that belong to no task they do the same again and again.

    A round is what was ready when the one before had been run. A chain of callbacks that differ makes
    progress, however long it is.

    Attributes:
        has_begun: Whether a callback has run since the last step of a task.
        count: Rounds since then.
        only_repeat: Whether the last rounds were the same, so often that time may pass although callbacks are
            ready.
    """

    __slots__ = ("_before", "_left", "_now", "_same", "count", "has_begun", "only_repeat")

    def __init__(self) -> None:
        self._before: list[Call] = []
        self._now: list[Call] = []
        self.end()

    def end(self) -> None:
        """A task has taken a step, or time has passed: forget what was."""
        self.count = 0
        self.has_begun = False
        self.only_repeat = False
        self._left = 0
        self._same = 0
        self._before.clear()
        self._now.clear()

    def add(self, call: Call, ready: int) -> None:
        """A callback has run, and *ready* others are ready."""
        self.has_begun = True
        self._now.append(call)
        self._left -= 1
        if self._left <= 0:
            self._end_round()
            self._left = ready

    def has_seen(self, call: Call) -> bool:
        """Whether the last round had this call in it."""
        return any(_is_same(call, seen) for seen in self._before)

    def _end_round(self) -> None:
        now, before = self._now, self._before
        self.count += 1
        self._same = self._same + 1 if len(now) == len(before) and all(map(_is_same, now, before)) else 0
        enough = _OF_ANYIO if all(map(_is_of_anyio, now)) else _OF_OTHERS
        self.only_repeat = self._same >= enough
        before.clear()
        self._now, self._before = before, now


def _is_same(one: Call, other: Call) -> bool:
    (callback, args), (other_callback, other_args) = one, other
    if len(args) != len(other_args) or not all(map(is_, args, other_args)):
        return False
    return bool(callback == other_callback)


def _is_of_anyio(call: Call) -> bool:
    return isinstance(getattr(call[0], "__self__", None), CancelScope)
