"""Running a coroutine by hand, so that what is thrown into it can be seen, and something else be raised."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import coroutine as make_awaitable
from typing import Any, TypeAlias

PassOn: TypeAlias = Callable[[BaseException | None], BaseException | None]


@make_awaitable
def driven(coroutine: Coroutine[Any, Any, Any], pass_on: PassOn) -> Generator[Any, Any, Any]:
    """Await *coroutine*.

    Args:
        coroutine: What is awaited.
        pass_on: Is given, before each step, what is to be thrown into the coroutine, or None; throws what it
            returns.
    """
    value: Any = None
    error: BaseException | None = None
    while True:
        error = pass_on(error)
        try:
            message = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        error = None
        try:
            value = yield message
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:
            error = thrown
