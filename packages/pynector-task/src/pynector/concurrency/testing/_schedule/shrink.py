"""Making a failing schedule as short as it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .chooser import format_deviations
from .schedule import Schedule

_ATTEMPTS = 200

Choices = dict[int, int]


def shorten(
    schedule: Schedule, branches: Sequence[tuple[int, int]], fails: Callable[[Schedule], bool]
) -> Schedule:
    """Find a schedule that leaves the stock order as seldom as it can, and still fails.

    Args:
        schedule: One that fails.
        branches: For each choice of that run, how many were ready and which one was chosen.
        fails: Whether a schedule still fails in the same way.

    Returns:
        A schedule that fails from which no deviation can be left out, unless that takes too many attempts.
        It keeps the seed of the one given if it does not fail without it.
    """
    deviations = {choice: chosen for choice, (_, chosen) in enumerate(branches) if chosen}
    attempts = 0

    def still_fails(candidate: Schedule) -> bool:
        nonlocal attempts
        attempts += 1
        return attempts <= _ATTEMPTS and fails(candidate)

    for seed in dict.fromkeys((None, schedule.numbers)):
        stock = replace(schedule, order="fifo", seed=seed)
        if still_fails(stock):
            return stock
        if deviations and still_fails(_with(stock, deviations)):
            return _least(stock, deviations, still_fails)
    return schedule  # not deterministic; there is nothing to go by


def _with(stock: Schedule, deviations: Choices) -> Schedule:
    return replace(stock, order=format_deviations(deviations))


def _least(stock: Schedule, deviations: Choices, still_fails: Callable[[Schedule], bool]) -> Schedule:
    def fails(candidate: Choices) -> bool:
        return still_fails(_with(stock, candidate))

    return _with(stock, _lower(_leave_out(deviations, fails), fails))


def _leave_out(deviations: Choices, still_fails: Callable[[Choices], bool]) -> Choices:
    """Leave out halves, then quarters, ..., then single deviations."""
    size = max(1, len(deviations) // 2)
    while True:
        position, before = 0, len(deviations)
        while position < len(deviations):
            keys = list(deviations)
            dropped = set(keys[position : position + size])
            fewer = {key: deviations[key] for key in keys if key not in dropped}
            if fewer and still_fails(fewer):
                deviations = fewer
            else:
                position += size
        if size == 1 and len(deviations) == before:
            return deviations
        size = max(1, size // 2)


def _lower(deviations: Choices, still_fails: Callable[[Choices], bool]) -> Choices:
    """Prefer the second in line to those further back."""
    for choice, taken in list(deviations.items()):
        if taken > 1 and still_fails(deviations | {choice: 1}):
            deviations = deviations | {choice: 1}
    return deviations
