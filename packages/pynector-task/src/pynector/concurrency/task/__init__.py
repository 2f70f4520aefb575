"""Task groups: start tasks that never outlive the block they belong to."""

from typing import TYPE_CHECKING

from . import _namespace as _namespace  # first: says it when another distribution hides this one
from .lowlevel import import_lazily

if TYPE_CHECKING:
    from ._group import TaskGroup, create_task_group
    from ._handle import SpawnedTask, TaskHandle
    from ._status import TASK_STATUS_IGNORED, TaskStatus
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "SpawnedTask": "_handle",
            "TASK_STATUS_IGNORED": "_status",
            "TaskGroup": "_group",
            "TaskHandle": "_handle",
            "TaskStatus": "_status",
            "create_task_group": "_group",
        },
    )

__all__ = [
    "TASK_STATUS_IGNORED",
    "SpawnedTask",
    "TaskGroup",
    "TaskHandle",
    "TaskStatus",
    "create_task_group",
]
