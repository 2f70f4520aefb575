"""Making a failing schedule as short as it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ._chooser import format_deviations
from ._schedule import Schedule

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
    """
    deviations = {choice: chosen for choice, (_, chosen) in enumerate(branches) if chosen}
    if not deviations:
        return replace(schedule, order="fifo") if schedule.order == "fifo" else schedule
    attempts = 0

    def still_fails(candidate: Choices) -> bool:
        nonlocal attempts
        attempts += 1
        return attempts <= _ATTEMPTS and fails(_with(schedule, candidate))

    if still_fails({}):
        return _with(schedule, {})
    if not still_fails(deviations):
        return schedule  # not deterministic; there is nothing to go by
    return _with(schedule, _lower(_leave_out(deviations, still_fails), still_fails))


def _with(schedule: Schedule, deviations: Choices) -> Schedule:
    return replace(schedule, order=format_deviations(deviations))


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
