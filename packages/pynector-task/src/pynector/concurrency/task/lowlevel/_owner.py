"""Tasks that own what outlives a call."""

from collections.abc import Callable, Coroutine
from typing import Any

from anyio import BrokenResourceError
from anyio.lowlevel import RunVar

from ._backend import Task, backend_here, watch_exit

_owners: RunVar[set[Task]] = RunVar("pynector_owners")


def spawn_owner(func: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> Task:
    """Start a task that belongs to no group, and give it.

    For an object with `start()` and `stop()`, which different tasks may call: the owner enters and leaves
    the groups and scopes that live between the two. Wherever a block can do it, use a task group instead.

    The owner runs in a copy of the current context, outside all cancel scopes. When the event loop's run
    ends, it is cancelled, so it can keep no run from ending. Nobody waits for it, nor sees what it raises:
    *func* should let nothing out but a cancellation, and pass errors on to whoever uses the object. What
    leaves it all the same goes to asyncio's exception handler, and ends the whole run on trio; a
    `KeyboardInterrupt` ends the run on both, as that of any other task.

    Args:
        func: An async function without parameters.
        name: The task's name.

    Raises:
        anyio.NoEventLoopError: no task runs in this thread.
    """
    owners = _owners.get(None)
    if owners is None:
        owners = set[Task]()
        _owners.set(owners)
    task = backend_here().spawn(func, name)
    owners.add(task)  # asyncio itself keeps none alive
    try:
        watch_exit(task, owners.discard)
    except BrokenResourceError:  # it has ended at once, as eager tasks may
        owners.discard(task)
    return task
