"""What is in an error, which may be a group."""

from __future__ import annotations

from traceback import walk_tb
from types import FrameType
from typing import cast

from ._awaiting import describe, is_library, source_line


def without_cancellations(
    error: BaseException, cancelled: type[BaseException] | tuple[type[BaseException], ...]
) -> BaseException | None:
    """What is left of *error* once the cancellations in it are taken out."""
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).split(cancelled)[1]
    return None if isinstance(error, cancelled) else error


def in_words(error: BaseException) -> str:
    """Type and message; of an `assert` without a message, its line."""
    try:
        text = str(error)
    except Exception as unreadable:  # whatever the class of a user does
        text = f"<its text cannot be read: {type(unreadable).__name__}>"
    if not text and isinstance(error, AssertionError):
        text = "".join(source_line(*place) for place in _last_of_user(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def raised_at(error: BaseException) -> str:
    """The innermost line of the user that *error* has passed, or nothing."""
    return "".join(describe(*place) for place in _last_of_user(error))


def without_machinery(error: BaseException) -> BaseException:
    """The same, its traceback beginning with the first line of the user, if there is one."""
    here = error.__traceback__
    while here is not None and is_library(here.tb_frame):
        here = here.tb_next
    return error.with_traceback(here or error.__traceback__)


def _last_of_user(error: BaseException) -> list[tuple[FrameType, int]]:
    return [(frame, line) for frame, line in walk_tb(error.__traceback__) if not is_library(frame)][-1:]
