"""A nursery's cancel scope, as AnyIO has it. Imported only where trio runs."""

from types import TracebackType
from typing import Self

import anyio
import trio


class NurseryScope(anyio.CancelScope):
    """Passes everything on to the scope of a nursery, which the nursery enters and leaves."""

    __slots__ = ("_scope",)

    def __new__(cls, scope: trio.CancelScope) -> Self:
        return object.__new__(cls)

    def __init__(self, scope: trio.CancelScope) -> None:
        self._scope = scope

    def __enter__(self) -> Self:
        raise RuntimeError("this scope belongs to a task group, which enters it; make one of your own")

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        raise RuntimeError("this scope belongs to a task group, which leaves it")

    def cancel(self, reason: str | None = None) -> None:
        self._scope.cancel(reason)

    @property
    def deadline(self) -> float:
        return self._scope.deadline

    @deadline.setter
    def deadline(self, value: float) -> None:
        self._scope.deadline = value

    @property
    def cancel_called(self) -> bool:
        return self._scope.cancel_called

    @property
    def cancelled_caught(self) -> bool:
        return self._scope.cancelled_caught

    @property
    def shield(self) -> bool:
        return self._scope.shield

    @shield.setter
    def shield(self, value: bool) -> None:
        self._scope.shield = value
