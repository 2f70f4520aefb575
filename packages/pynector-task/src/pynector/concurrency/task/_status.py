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

    __slots__ = ("_anyio_status", "early_error", "has_started", "is_awaited")

    def __init__(self, anyio_status: anyio.abc.TaskStatus[Any]) -> None:
        self._anyio_status = anyio_status
        self.has_started: bool = False
        """Whether `started` has been called while somebody waited for it who was not cancelled."""
        self.is_awaited: bool = True
        """Whether the caller of `start` still waits."""
        self.early_error: Exception | None = None
        """What the task raised before it had started, for the caller of `start`.

        The other ways there lose it or change it: AnyIO's where the caller is cancelled meanwhile, trio's
        where the error refuses to be changed.
        """

    def take_error(self, error: Exception) -> bool:
        """Keep *error* for the caller of `start`, if it is the caller's; return whether it is."""
        if self.has_started or not self.is_awaited:
            return False
        self.early_error = error
        return True

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
