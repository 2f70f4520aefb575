"""Waiting for all others to wait."""

from __future__ import annotations

import asyncio

import anyio
from anyio.lowlevel import checkpoint

from ._loop import ControlledLoop

_STEPS = 20
"""As many as a task is likely to take before it waits; more cost next to nothing."""


async def wait_until_blocked() -> None:
    """Wait until no other task can go on.

    Like `anyio.wait_all_tasks_blocked()`, but virtual time does not pass meanwhile, and no task is woken to
    look. Outside virtual time it calls that function, after some checkpoints: on asyncio that one looks only
    every tenth of a second, and most tests have come to rest by then.

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
        for _ in range(_STEPS):
            await checkpoint()
        await anyio.wait_all_tasks_blocked()
