"""What is tried of each library: a probe for each cell of the tables in `docs/migrating/index.md`."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

Answer: TypeAlias = bool | str
Probe: TypeAlias = Callable[[Any], Awaitable[Answer]]

PROBES: dict[tuple[str, str, str], Callable[[], Awaitable[Answer]]] = {}  # by module, row and column


def tried(row: str, libraries: dict[str, Any], *, only: str | None = None) -> Callable[[Probe], Probe]:
    """Let the decorated probe answer for *row* in the column of each library, or of one.

    The probe is called with what *libraries* holds for the column; a bool is "yes" or "no" in the table.
    """

    def decorate(probe: Probe) -> Probe:
        for column in libraries if only is None else [only]:
            key = probe.__module__, row, column
            assert key not in PROBES
            PROBES[key] = partial(probe, libraries[column])
        return probe

    return decorate


def in_words(answer: Answer) -> str:
    """Give what the table says for *answer*."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return answer
