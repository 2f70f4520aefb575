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
    """What differs between event loops."""

    cancel_scope: anyio.CancelScope

    async def enter(self) -> None: ...
    async def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool: ...
    def renew_cancellation(self) -> None: ...
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
