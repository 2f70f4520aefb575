"""How two runs of the same schedule differ, which they should not."""

from __future__ import annotations

from itertools import zip_longest

from ._run import Run

_NO_CHOICE = (1, 0)  # one was ready, the first was taken


def difference(first: Run, second: Run) -> str:
    """Say in words how two runs differ; nothing, if they do not.

    Where other threads call in, steps depend on these, and are not compared.
    """
    if first.has_threads or second.has_threads:
        return ""
    parts: list[str] = []
    if first.steps != second.steps:
        parts.append(f"{first.steps} steps, then {second.steps}")
    if _signature(first) != _signature(second):
        parts.append(f"{_outcome(first)}, then {_outcome(second)}")
    if not parts and first.branches != second.branches:
        pairs = zip_longest(first.branches, second.branches, fillvalue=_NO_CHOICE)
        choice, (one, other) = next((n, pair) for n, pair in enumerate(pairs) if pair[0] != pair[1])
        parts.append(f"{one[0]} ready at choice {choice}, then {other[0]}")
    return "; ".join(parts)


def _signature(run: Run) -> str:
    return "" if run.finding is None else run.finding.signature


def _outcome(run: Run) -> str:
    return "no failure" if run.finding is None else f"{run.finding.kind} ({run.finding.text})"
