"""What failures of the same sort have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Said of a task that takes steps without end; the line that it has come to is a matter of chance.
GOES_ROUND = "goes round at"

# Of these, the place is the sort; what they say is the same everywhere.
_TOLD_BY_PLACE = frozenset({"deadlock", "livelock", "leaked task"})


def signature(kind: str, text: str, waiting: Iterable[str]) -> str:
    """Kind and text without numbers; where tasks hang or are left behind, also the lines."""
    parts = [f"{kind}: {text}"]
    if kind in _TOLD_BY_PLACE:
        parts += sorted({_without_numbers(_place(line)) for line in waiting})
    return _without_numbers("; ".join(parts))


def _place(line: str) -> str:
    return line.partition("  (in ")[0].partition(GOES_ROUND)[0]


def _without_numbers(text: str) -> str:
    return re.sub(r"0x[0-9a-fA-F]+|[0-9]+", "N", text)
