"""The coroutines of a group's children."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ._status import TaskStatus

Failed = Callable[[str, Exception], None]

T = TypeVar("T")


class Children:
    """Tells of each child that fails, and closes the coroutines of those that never began.

    A task that is cancelled natively before its first step never runs its coroutine, and nobody closes it.
    """

    __slots__ = ("_unbegun",)

    def __init__(self) -> None:
        self._unbegun: dict[Coroutine[Any, Any, Any], Coroutine[Any, Any, Any]] = {}

    def wrap(
        self, coro: Coroutine[Any, Any, T], name: str, failed: Failed, status: TaskStatus[Any] | None = None
    ) -> Coroutine[Any, Any, T]:
        """Give what the child's task is to run; *failed* is called with its name and error, if it fails."""
        child = self._run(coro, name, failed, status)
        self._unbegun[coro] = child
        return child

    async def _run(
        self, coro: Coroutine[Any, Any, T], name: str, failed: Failed, status: TaskStatus[Any] | None
    ) -> T:
        self._unbegun.pop(coro, None)  # it is gone if the same coroutine was given twice
        try:
            return await coro
        except Exception as error:
            if status is None or status.has_started:  # before that, the error is the caller's of `start`
                failed(name, error)
            raise

    def close(self, coro: Coroutine[Any, Any, Any]) -> None:
        """Close *coro*, for which there is no task."""
        self._unbegun.pop(coro, coro).close()
        coro.close()

    def close_all(self) -> None:
        """Close all that never began; call this when no task is left."""
        for coro in list(self._unbegun):
            self.close(coro)
