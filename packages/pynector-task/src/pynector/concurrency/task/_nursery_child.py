"""A child of a nursery: what has become of it. Imported only where trio runs."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio
from anyio import TaskCancelled, TaskFailed, TaskHandle, TaskNotFinished

from ._anyio_group import Failed
from .lowlevel import ParkingLot, checkpoint

if TYPE_CHECKING:
    from ._nursery import NurseryGroup

T = TypeVar("T")
Status = TaskHandle.Status


class NurseryChild(Generic[T]):
    """Runs a coroutine in a scope of its own, and tells how that went: what AnyIO's `TaskHandle` does."""

    __slots__ = (
        "__weakref__",
        "_coro",
        "_error",
        "_group",
        "_lot",
        "_scope",
        "_start_value",
        "_status",
        "_value",
        "name",
    )

    _value: T
    _start_value: Any

    def __init__(self, coro: Coroutine[Any, Any, T], name: str, group: "NurseryGroup") -> None:
        self.name = name
        self._group = group
        self._coro = coro
        self._status = Status.PENDING
        self._error: BaseException | None = None
        self._scope: trio.CancelScope | None = None
        self._lot: ParkingLot[None] | None = None

    async def run(self, failed: Failed) -> None:
        """Run the coroutine; called once, in the child's task. *failed* is told before who waits is woken."""
        with trio.CancelScope() as self._scope:
            if self in self._group.doomed:
                self._group.doomed.remove(self)
                self._scope.cancel()
            try:
                self._value = await self._coro
            except BaseException as error:
                self._error = error
                if isinstance(error, Exception):
                    failed(self.name, error)
                self._end(Status.CANCELLED if isinstance(error, trio.Cancelled) else Status.FAILED)
                del self  # the error's traceback holds this frame: no cycle
                raise
            self._end(Status.FINISHED)

    def _end(self, status: TaskHandle.Status) -> None:
        self._status = status
        self._scope = None
        if self._lot is not None:
            self._lot.unpark_all(None)

    @property
    def status(self) -> TaskHandle.Status:
        return self._status

    @property
    def exception(self) -> BaseException | None:
        self._refuse_to_tell_yet()
        return self._error

    @property
    def return_value(self) -> T:
        self._refuse_to_tell_yet()
        if self._status is Status.FAILED:
            raise TaskFailed("the task raised an exception") from self._error
        return self._value

    @property
    def start_value(self) -> Any:
        try:
            return self._start_value
        except AttributeError:
            raise RuntimeError("the task was not started with TaskGroup.start()") from None

    @start_value.setter
    def start_value(self, value: Any) -> None:
        self._start_value = value

    def _refuse_to_tell_yet(self) -> None:
        if self._status is Status.PENDING:
            raise TaskNotFinished("the task has not finished yet")
        if self._status in (Status.CANCELLING, Status.CANCELLED):
            raise TaskCancelled("the task was cancelled") from self._error

    def cancel(self) -> None:
        """Cancel the child; nothing happens if it has ended."""
        if self._status is Status.PENDING:
            self._group.check_loop("cancelling a task")
            self._status = Status.CANCELLING
            if self._scope is None:
                self._group.doomed.add(self)
            else:
                self._scope.cancel()

    async def wait(self) -> None:
        """Wait until the child has ended. A checkpoint."""
        if self._status in (Status.PENDING, Status.CANCELLING):
            self._group.check_loop("waiting for a task")
            if self._lot is None:
                self._lot = ParkingLot(f"the end of {self.name!r}")
            await self._lot.park(lambda _: None)
        else:
            await checkpoint()
