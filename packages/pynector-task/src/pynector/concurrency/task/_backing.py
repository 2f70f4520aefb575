"""What a task group stands on: a group of AnyIO's, or a nursery of trio's."""

from collections.abc import Callable, Coroutine
from contextvars import Context
from types import TracebackType
from typing import Any, Protocol, TypeVar

import anyio

from ._anyio_group import AnyCoroutine, AnyioGroup, Failed
from ._child import Child
from ._status import TaskStatus
from .lowlevel import runs_on_trio

T = TypeVar("T")


class Backing(Protocol):
    """What differs between event loops.

    `enter` and `leave` are awaited, and followed by `entered` and, whatever came of it, `left`: a coroutine
    around those of the group below would be passed through at each step.
    """

    cancel_scope: anyio.CancelScope

    def enter(self) -> Coroutine[Any, Any, object]: ...
    def entered(self) -> None: ...
    def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, bool | None]: ...
    def left(self) -> None: ...
    def check_loop(self, doing: str) -> None: ...
    def spawn(
        self, coro: Coroutine[Any, Any, T], name: str, context: Context | None, failed: Failed
    ) -> Child[T]: ...
    async def start(
        self, make: Callable[[TaskStatus[Any]], AnyCoroutine], name: str, failed: Failed
    ) -> Child[Any]: ...


def backing_here() -> Backing:
    """Make what a group of the running task stands on.

    Raises:
        anyio.NoEventLoopError: no event loop runs here.
    """
    if not runs_on_trio():
        return AnyioGroup()
    from ._nursery import NurseryGroup

    return NurseryGroup()
