"""Which tasks hold an object: found in their calls when somebody asks, so that nobody keeps a list."""

from collections.abc import Collection, Iterator
from gc import get_referents
from types import FrameType
from typing import Any

from ._backend import all_tasks, name_of

MANY_TASKS = 2000
"""More tasks than this are not looked at: that would hold up the event loop for too long."""


def tasks_that_hold(things: Collection[object]) -> dict[int, str]:
    """Find tasks of this event loop whose suspended calls refer to one of *things*.

    A call refers to what is in its variables, and to the blocks that it is in: what `async with` will leave
    counts, too. What is held by way of another object, such as an attribute, is not found; nor is what the
    running call has. Where there are more than `MANY_TASKS`, none is looked at.

    Args:
        things: Objects, compared by identity.

    Returns:
        By the `id` of each thing that was found: the name of the first task, and the line where it is.

    Raises:
        anyio.NoEventLoopError: no task runs in this thread.
    """
    wanted = {id(thing) for thing in things}
    found: dict[int, str] = {}
    tasks = all_tasks()
    if len(tasks) > MANY_TASKS:
        return found
    for task in tasks:
        for call, frame in _calls(task):
            for referent in get_referents(call):
                key = id(referent)
                if key not in wanted:
                    key = id(getattr(referent, "__self__", None))  # a bound method, such as `__aexit__`
                if key in wanted and key not in found:
                    where = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
                    found[key] = f"task {name_of(task)!r} at {where}"
    return found


def _calls(task: Any) -> Iterator[tuple[object, FrameType]]:
    """Iterate over the suspended calls of a task, the outermost first, each with its frame.

    A suspended coroutine or generator owns its frame: so the collector goes from it, not from the frame, to
    what is in its variables and on its stack.
    """
    call = task.get_coro() if hasattr(task, "get_coro") else task.coro
    while call is not None:
        for prefix, awaited in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
            frame = getattr(call, f"{prefix}_frame", None)
            if frame is not None:
                yield call, frame
                call = getattr(call, awaited)
                break
        else:
            return
