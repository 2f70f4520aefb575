"""The handle of a child task."""

from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio

from ._child import Child
from .lowlevel import checkpoint_before_raise

if TYPE_CHECKING:
    from ._backing import Backing

T_co = TypeVar("T_co", covariant=True)


class _Handle(Generic[T_co]):
    """What can be asked of a child task, and that it can be cancelled."""

    __slots__ = ("__weakref__", "_child", "_coro", "_group")

    Status = anyio.TaskHandle.Status

    def __init__(self, child: Child[T_co], coro: Coroutine[Any, Any, T_co], group: "Backing") -> None:
        self._child = child
        self._coro = coro
        self._group = group

    @property
    def name(self) -> str:
        """The task's name."""
        return self._child.name

    @property
    def coro(self) -> Coroutine[Any, Any, T_co]:
        """The coroutine that the task runs."""
        return self._coro

    @property
    def status(self) -> anyio.TaskHandle.Status:
        """`PENDING`, `CANCELLING`, `FINISHED`, `FAILED` or `CANCELLED`."""
        return self._child.status

    @property
    def return_value(self) -> T_co:
        """What the task returned.

        Raises:
            anyio.TaskNotFinished: it still runs.
            anyio.TaskFailed: it raised; the error is the cause.
            anyio.TaskCancelled: it was cancelled.
        """
        return self._child.return_value

    @property
    def exception(self) -> BaseException | None:
        """What the task raised, or None if it returned.

        Raises:
            anyio.TaskNotFinished: it still runs.
            anyio.TaskCancelled: it was cancelled.
        """
        return self._child.exception

    @property
    def start_value(self) -> Any:
        """What the task gave to `task_status.started`.

        Raises:
            RuntimeError: it was not started by `TaskGroup.start`.
        """
        return self._child.start_value

    def cancel(self) -> None:
        """Cancel this task alone; its group goes on. Nothing happens if it has ended.

        Raises:
            RuntimeError: this is another thread or event loop than the group was entered in; nothing has
                happened then.
        """
        self._group.check_loop("cancelling a task")
        self._child.cancel()

    async def wait(self) -> None:
        """Wait until the task has ended, in whatever way. If cancelled, the task goes on."""
        await self._child.wait()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status.name.lower()} name={self.name!r} coro={self._coro!r}>"


class TaskHandle(_Handle[T_co]):
    """A child of a `TaskGroup`: await it for its return value.

    Awaiting waits for the child to end. If the await is cancelled, the child goes on. A child that failed
    raises `anyio.TaskFailed` with the child's error as its cause, one that was cancelled
    `anyio.TaskCancelled`; unless who awaits is being cancelled, too: then that comes first. The error itself
    leaves through the group, once.
    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._result().__await__()

    async def _result(self) -> T_co:
        await self._child.wait()
        if self._child.status is anyio.TaskHandle.Status.CANCELLED:
            await checkpoint_before_raise()
        return self._child.return_value


class SpawnedTask(_Handle[T_co]):
    """What `TaskGroup.start_soon` returns. Awaiting gives the child's `TaskHandle`, at once.

    To wait for the child's result, await the handle: `await (await tg.start_soon(func))`, or shorter
    `await tg.create_task(func())`.
    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, TaskHandle[T_co]]:
        return TaskHandle(self._child, self._coro, self._group)
        yield  # makes this a generator, which is what an awaitable must give
