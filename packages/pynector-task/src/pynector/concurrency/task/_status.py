"""What a task started with `TaskGroup.start` says of itself."""

import math
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

import anyio.abc
from anyio import current_effective_deadline

from .lowlevel import READY

T_contra = TypeVar("T_contra", contravariant=True)


class TaskStatus(Generic[T_contra]):
    """Passed to a function as `task_status` by `TaskGroup.start`, to say that it has started.

    An `anyio.abc.TaskStatus`, whose `started` may also be awaited.
    """

    __slots__ = ("_anyio_status", "has_started")

    def __init__(self, anyio_status: anyio.abc.TaskStatus[Any]) -> None:
        self._anyio_status = anyio_status
        self.has_started: bool = False
        """Whether `started` has been called while somebody waited for it who was not cancelled."""

    def started(self, value: T_contra | None = None) -> Awaitable[None]:
        """Say that the task has started, and give *value* to whoever waits in `TaskGroup.start`.

        Never waits; awaiting what it returns is the same as not awaiting it.

        Raises:
            RuntimeError: it was called before.
        """
        self._anyio_status.started(value)
        if self._anyio_status is not anyio.TASK_STATUS_IGNORED:
            # Until then the child is in the scope of who waits; cancelled, that one hears nothing any more.
            self.has_started = current_effective_deadline() > -math.inf
        return READY


TASK_STATUS_IGNORED: TaskStatus[Any] = TaskStatus(anyio.TASK_STATUS_IGNORED)
"""The default for a parameter `task_status`, so that the function can also be called directly."""
