"""What a task started with `TaskGroup.start` says of itself."""

from typing import Any, Generic, TypeVar

import anyio.abc

from .lowlevel import READY, Ready

T_contra = TypeVar("T_contra", contravariant=True)


class TaskStatus(Generic[T_contra]):
    """Passed to a function as `task_status` by `TaskGroup.start`, to say that it has started.

    An `anyio.abc.TaskStatus`, whose `started` may also be awaited.
    """

    __slots__ = ("_anyio_status", "has_started")

    def __init__(self, anyio_status: anyio.abc.TaskStatus[Any]) -> None:
        self._anyio_status = anyio_status
        self.has_started: bool = False
        """Whether `started` has been called."""

    def started(self, value: T_contra | None = None) -> Ready[None]:
        """Say that the task has started, and give *value* to whoever waits in `TaskGroup.start`.

        Never waits; awaiting what it returns is the same as not awaiting it.

        Raises:
            RuntimeError: it was called before.
        """
        self._anyio_status.started(value)
        self.has_started = True
        return READY


TASK_STATUS_IGNORED: TaskStatus[Any] = TaskStatus(anyio.TASK_STATUS_IGNORED)
"""The default for a parameter `task_status`, so that the function can also be called directly."""
