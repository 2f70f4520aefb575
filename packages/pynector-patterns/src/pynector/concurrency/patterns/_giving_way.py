"""Which goes first: a cancellation."""

import math

from anyio import current_effective_deadline, sleep_forever

from pynector.concurrency.task.lowlevel import checkpoint


async def give_way() -> None:
    """Pass a checkpoint before an error is raised, and be cancelled there if this task is being cancelled.

    What a task meets may come of its own cancellation: another one, which was cancelled with it and has run
    before it, has closed what they share. An error must not stand in front of the cancellation then.
    """
    if current_effective_deadline() == -math.inf:
        await sleep_forever()  # not for long; on asyncio the next checkpoint may yet be passed unharmed
    await checkpoint()
