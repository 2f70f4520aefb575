"""Whether the running task is being cancelled, and what goes first then."""

import math

from anyio import current_effective_deadline, sleep_forever

from ._backend import checkpoint, current_task


def is_cancelled() -> bool:
    """Whether the running task is being cancelled, by a scope around it or by asyncio's own `Task.cancel()`.

    If not, a cancellation that comes out of a call is the call's own: it awaited a task of asyncio's that was
    cancelled. That is an error of the call like others, though of a class that ends tasks.
    """
    if current_effective_deadline() == -math.inf:
        return True
    cancelling = getattr(current_task(), "cancelling", None)  # trio's tasks have none
    return cancelling is not None and cancelling() > 0


async def checkpoint_before_raise() -> None:
    """Pass a checkpoint before an error is raised, and be cancelled there if this task is being cancelled.

    What a task meets may come of its own cancellation: another one, which was cancelled with it and has run
    before it, has closed what they share. An error must not stand in front of the cancellation then.
    """
    if current_effective_deadline() == -math.inf:
        await sleep_forever()  # not for long; on asyncio the next checkpoint may yet be passed unharmed
    await checkpoint()
