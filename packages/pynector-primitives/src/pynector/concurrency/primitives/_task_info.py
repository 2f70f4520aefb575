"""AnyIO's description of a task."""

from typing import Any

import anyio


def task_info(task: Any) -> anyio.TaskInfo | None:
    """Describe *task*, or give None if it is None or has ended."""
    if task is None:
        return None
    try:
        return next((info for info in anyio.get_running_tasks() if info.id == id(task)), None)
    except anyio.NoEventLoopError:
        return None
