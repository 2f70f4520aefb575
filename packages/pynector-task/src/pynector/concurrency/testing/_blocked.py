"""Waiting for all others to wait."""

from __future__ import annotations

import asyncio

import anyio

from ._loop import ControlledLoop


async def wait_until_blocked() -> None:
    """Wait until no other task can go on.

    Like `anyio.wait_all_tasks_blocked()`, but virtual time does not pass meanwhile, and no task is woken to
    look. Outside virtual time it is that function.

    Example:
        ```python
        lock = anyio.Lock()
        await lock.acquire()
        async with anyio.create_task_group() as tg:
            tg.start_soon(lock.acquire)
            await wait_until_blocked()
            print(lock.statistics().tasks_waiting)
            #> 1
            tg.cancel_scope.cancel()
        ```
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if isinstance(loop, ControlledLoop):
        await loop.until_idle()
    else:
        await anyio.wait_all_tasks_blocked()
