"""Where a suspended coroutine stands."""

from __future__ import annotations

import gc
import linecache
import os
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from traceback import walk_tb
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, cast

import anyio

_STDLIB = os.path.normcase(sysconfig.get_path("stdlib")) + os.sep
_SITE_PACKAGES = tuple(
    {os.path.normcase(sysconfig.get_path(name)) + os.sep for name in ("purelib", "platlib")}
)
# A namespace: each of its packages may lie elsewhere.
_PYNECTOR = getattr(find_spec("pynector.concurrency"), "submodule_search_locations", None) or ()
_LIBRARIES = (
    os.path.normcase(os.path.dirname(str(anyio.__file__))) + os.sep,
    *(os.path.normcase(folder) + os.sep for folder in _PYNECTOR),
    *(os.path.join(folder, "trio") + os.sep for folder in _SITE_PACKAGES),
)
# What trio's own waiting is made of says nothing about what is waited for.
_MACHINERY = tuple(os.path.join(folder, "trio", "_core") + os.sep for folder in _SITE_PACKAGES)


def awaiting(coroutine: Any, *, innermost: bool = True) -> str:
    """The line on which *coroutine* waits: the innermost one of the user; if asked for, that of all, too."""
    stack = list(frames(coroutine))
    if not stack:
        return "has ended"
    deepest = next((frame for frame in reversed(stack) if not _is_machinery(frame)), stack[-1])
    mine = [frame for frame in stack if not is_library(frame)]
    shown = mine[-1] if mine else deepest
    text = describe(shown, shown.f_lineno)
    if innermost and shown is not deepest:
        text += f"  (in {_place(deepest, deepest.f_lineno)})"
    return text


def _is_machinery(frame: FrameType) -> bool:
    return os.path.normcase(frame.f_code.co_filename).startswith(_MACHINERY)


def frames(awaitable: Any) -> Iterator[FrameType]:
    """The frames of an awaitable, outermost first."""
    while awaitable is not None:
        frame: FrameType | None
        frame, awaitable = _frame_and_inner(awaitable)
        if frame is not None:
            yield frame


def _frame_and_inner(awaitable: Any) -> tuple[FrameType | None, Any]:
    if isinstance(awaitable, CoroutineType):
        return awaitable.cr_frame, awaitable.cr_await
    if isinstance(awaitable, GeneratorType):
        return awaitable.gi_frame, awaitable.gi_yieldfrom  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(awaitable, AsyncGeneratorType):
        return awaitable.ag_frame, awaitable.ag_await
    return None, _hidden_generator(awaitable)


def _hidden_generator(awaitable: Any) -> AsyncGeneratorType[Any, Any] | None:
    # No attribute of what `agen.__anext__()` and `agen.asend()` give leads to the generator; its referents
    # do.
    if type(awaitable).__name__.startswith("async_generator_"):
        for referent in gc.get_referents(awaitable):
            if isinstance(referent, AsyncGeneratorType):
                return referent  # pyright: ignore[reportUnknownVariableType]
    return None


def is_library(frame: FrameType) -> bool:
    """Whether a frame is in the standard library, AnyIO, trio, or pynector."""
    path = os.path.normcase(frame.f_code.co_filename)
    if path.startswith(("<", *_LIBRARIES)):
        return True
    return path.startswith(_STDLIB) and not path.startswith((*_SITE_PACKAGES, _STDLIB + "site-packages"))


def _place(frame: FrameType, line: int) -> str:
    return f"{os.path.basename(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"


def describe(frame: FrameType, line: int) -> str:
    """File, line and function, and what the line says."""
    text = source_line(frame, line)
    return f"{_place(frame, line)}: {text}" if text else _place(frame, line)


def source_line(frame: FrameType, line: int) -> str:
    """What a line of the frame's file says; nothing, if there is no such file."""
    return linecache.getline(frame.f_code.co_filename, line).strip()


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
