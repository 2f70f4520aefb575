"""The user's calls that led to a place."""

from inspect import currentframe
from itertools import filterfalse, islice, takewhile
from traceback import FrameSummary, StackSummary, walk_stack
from types import CodeType, FrameType
from typing import TypeAlias

FRAMES = 12
LOOPS = (
    "asyncio.events",
    "asyncio.base_events",
    "asyncio.runners",
    "uvloop",
    "trio._core",
    "pynector.concurrency.testing",
)
OURS = "pynector.concurrency."

Calls: TypeAlias = tuple[tuple[CodeType, int], ...]
"""Where each call stands, the last one first: much cheaper to take than a `StackSummary`."""


def user_calls() -> Calls:
    """Give the calls that led here from the event loop, without those inside pynector."""
    frames = takewhile(_is_inside_the_loop, walk_stack(currentframe()))
    return tuple((frame.f_code, line) for frame, line in islice(filterfalse(_is_ours, frames), FRAMES))


def as_text(calls: Calls) -> str:
    """Write calls as a traceback does, most recent call last."""
    frames = [
        FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)
        for code, line in reversed(calls)
    ]
    return "".join(StackSummary.from_list(frames).format())


def _is_inside_the_loop(pair: tuple[FrameType, int]) -> bool:
    return not str(pair[0].f_globals.get("__name__")).startswith(LOOPS)


def _is_ours(pair: tuple[FrameType, int]) -> bool:
    return str(pair[0].f_globals.get("__name__")).startswith(OURS)
