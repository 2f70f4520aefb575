"""A task group's cancel scope, as AnyIO has it."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import anyio


class GroupScope(anyio.CancelScope):
    """Passes everything on to the scope of a group, which the group enters and leaves.

    What changes the scope is refused in another thread, before anything has happened: AnyIO's own scope would
    be marked as cancelled first, and could never be cancelled again; trio's would wake nobody.
    """

    __slots__ = ("_check_loop", "_scope")

    def __new__(cls, scope: Any, check_loop: Callable[[str], None]) -> Self:
        return object.__new__(cls)

    def __init__(self, scope: Any, check_loop: Callable[[str], None]) -> None:
        self._scope = scope
        self._check_loop = check_loop

    def __enter__(self) -> Self:
        raise RuntimeError("this scope belongs to a task group, which enters it; make one of your own")

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        raise RuntimeError("this scope belongs to a task group, which leaves it")

    def cancel(self, reason: str | None = None) -> None:
        self._check_loop("cancelling it")
        self._scope.cancel(reason)

    @property
    def deadline(self) -> float:
        deadline: float = self._scope.deadline
        return deadline

    @deadline.setter
    def deadline(self, value: float) -> None:
        self._check_loop("setting its deadline")
        self._scope.deadline = value

    @property
    def cancel_called(self) -> bool:
        called: bool = self._scope.cancel_called
        return called

    @property
    def cancelled_caught(self) -> bool:
        caught: bool = self._scope.cancelled_caught
        return caught

    @property
    def shield(self) -> bool:
        shield: bool = self._scope.shield
        return shield

    @shield.setter
    def shield(self, value: bool) -> None:
        self._check_loop("shielding it")
        self._scope.shield = value
