"""Task groups: start tasks that never outlive the block they belong to."""

from . import _namespace as _namespace  # first: says it when another distribution hides this one
from ._group import TaskGroup, create_task_group
from ._handle import SpawnedTask, TaskHandle
from ._status import TASK_STATUS_IGNORED, TaskStatus

__all__ = [
    "TASK_STATUS_IGNORED",
    "SpawnedTask",
    "TaskGroup",
    "TaskHandle",
    "TaskStatus",
    "create_task_group",
]
