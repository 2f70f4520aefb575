"""Who runs next, when several tasks could."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

# Choices in a row that a task may win.
_PATIENCE = 50


class Chooser(Protocol):
    """Decides each choice of a run."""

    def choose(self, ready: Sequence[int]) -> int:
        """Choose one of the tasks that are ready.

        Args:
            ready: The numbers of two or more tasks, first come first; -1 is a callback that belongs to no
            task, less than that no task but a time to which a timer may be late.

        Returns:
            A position in *ready*.
        """
        ...


class RandomOrder:
    """Each that is ready is equally likely."""

    __slots__ = ("_random",)

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def choose(self, ready: Sequence[int]) -> int:
        return int(self._random() * len(ready))


class PriorityOrder:
    """The task of highest priority runs; a few times in a run, the one that runs falls to the lowest.

    Finds what needs one task far ahead of the others, which equal chances seldom give. It is probabilistic
    concurrency testing, after Burckhardt et al.,
    "A randomized scheduler with probabilistic guarantees of finding bugs", 2010.
    """

    __slots__ = ("_choices", "_drops", "_in_a_row", "_last", "_lowest", "_priorities", "_random")

    def __init__(self, seed: int, *, depth: int = 3, length: int = 60) -> None:
        self._random = Random(seed)
        self._priorities: dict[int, float] = {}
        self._drops = frozenset(self._random.randrange(length) for _ in range(depth))
        self._choices = 0
        self._lowest = 0.0
        self._last: int | None = None
        self._in_a_row = _PATIENCE

    def choose(self, ready: Sequence[int]) -> int:
        chosen = max(range(len(ready)), key=lambda position: self._priority(ready[position]))
        if self._choices in self._drops or self._is_greedy(ready[chosen]):
            self._lowest -= 1.0
            self._priorities[ready[chosen]] = self._lowest
        self._choices += 1
        return chosen

    def _is_greedy(self, task: int) -> bool:
        """Whether a task has run so often in a row that it may wait for one that never gets its turn."""
        self._in_a_row = self._in_a_row - 1 if task == self._last else _PATIENCE
        self._last = task
        return self._in_a_row <= 0

    def _priority(self, task: int) -> float:
        if task not in self._priorities:
            self._priorities[task] = self._random.random()
        return self._priorities[task]


class DeviatingOrder:
    """First come, first served, except for the choices that say otherwise."""

    __slots__ = ("_choices", "_deviations")

    def __init__(self, deviations: Mapping[int, int]) -> None:
        self._deviations = deviations
        self._choices = 0

    def choose(self, ready: Sequence[int]) -> int:
        chosen = self._deviations.get(self._choices, 0)
        self._choices += 1
        return min(chosen, len(ready) - 1)


_SEEDED: dict[str, Callable[[int], Chooser]] = {"random": RandomOrder, "pct": PriorityOrder}


def chooser_for(order: str) -> Chooser:
    """The chooser that an `order` of a schedule names.

    Raises:
        ValueError: It names none.
    """
    if order == "fifo":
        return DeviatingOrder({})
    name, dash, seed = order.partition("-")
    if dash and name in _SEEDED and seed.removeprefix("-").isdecimal():
        return _SEEDED[name](int(seed))
    return DeviatingOrder(parse_deviations(order))


def seed_of(order: str) -> int | None:
    """The seed in an `order` of a schedule, if it has one."""
    name, dash, seed = order.partition("-")
    return int(seed) if dash and name in _SEEDED else None


def operations_left(seed: int | None, most: int) -> int:
    """How many operations of fast paths go by until the first checkpoint.

    With a seed it depends on that, so that a checkpoint is tried at every place; otherwise it is the *most*.
    """
    return most if seed is None else 1 + seed % most


def parse_deviations(order: str) -> dict[int, int]:
    """Read `3=1,9=2`.

    Raises:
        ValueError: It is something else.
    """
    deviations: dict[int, int] = {}
    for pair in order.split(","):
        choice, _, taken = pair.partition("=")
        if not (choice.isdecimal() and taken.isdecimal()):
            raise ValueError(f"no such order: {order!r}")
        deviations[int(choice)] = int(taken)
    return deviations


def format_deviations(deviations: Mapping[int, int]) -> str:
    """Write what `parse_deviations` reads; nothing at all is `fifo`."""
    return ",".join(f"{choice}={taken}" for choice, taken in sorted(deviations.items()) if taken) or "fifo"
