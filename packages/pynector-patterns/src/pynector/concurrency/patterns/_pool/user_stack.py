"""The user's calls that led to a place."""

from inspect import currentframe
from itertools import filterfalse, islice, takewhile
from traceback import StackSummary, walk_stack
from types import FrameType

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


def user_stack() -> StackSummary:
    """Give the calls that led here from the event loop, the last one last, without those inside pynector."""
    frames = takewhile(_is_inside_the_loop, walk_stack(currentframe()))
    stack = StackSummary.extract(islice(filterfalse(_is_ours, frames), FRAMES), lookup_lines=False)
    stack.reverse()
    return stack


def _is_inside_the_loop(pair: tuple[FrameType, int]) -> bool:
    return not str(pair[0].f_globals.get("__name__")).startswith(LOOPS)


def _is_ours(pair: tuple[FrameType, int]) -> bool:
    return str(pair[0].f_globals.get("__name__")).startswith(OURS)
