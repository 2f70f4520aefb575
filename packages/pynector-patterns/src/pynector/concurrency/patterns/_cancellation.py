"""Whose cancellation it is."""

import math

from anyio import current_effective_deadline

from pynector.concurrency.task.lowlevel import current_task


def is_cancelled() -> bool:
    """Whether the running task is being cancelled, by a scope around it or by asyncio's own `Task.cancel()`.

    If not, a cancellation that comes out of a call is the call's own: it awaited a task of asyncio's that was
    cancelled. That is an error of the call like others, though of a class that ends tasks.
    """
    if current_effective_deadline() == -math.inf:
        return True
    cancelling = getattr(current_task(), "cancelling", None)  # trio's tasks have none
    return cancelling is not None and cancelling() > 0
