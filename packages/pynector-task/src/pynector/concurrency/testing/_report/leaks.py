"""Tasks that outlive the block in which they were started."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from .stack import awaiting


@contextmanager
def assert_no_leaked_tasks() -> Generator[None]:
    """Fail if a task that was started in the block is still alive at its end.

    A task that has been cancelled, but not waited for, is alive.

    Raises:
        AssertionError: One is; the message names it and the line on which it waits.

    Example:
        ```python
        with assert_no_leaked_tasks():
            async with anyio.create_task_group() as tg:
                tg.start_soon(anyio.sleep, 0.01)
        ```
    """
    before = {task.id for task in anyio.get_running_tasks()}
    yield
    leaked = [task for task in anyio.get_running_tasks() if task.id not in before]
    if leaked:
        lines = [f"{task.name or 'task'} waits at {awaiting(task.coro)}" for task in leaked]
        raise AssertionError(
            "\n  ".join([f"{len(leaked)} tasks outlive the block that started them", *lines])
        )
