"""An awaitable that is done."""

import threading
from collections.abc import Coroutine, Generator, Iterator
from itertools import cycle
from types import coroutine
from typing import Any


@coroutine
def _nothing() -> Generator[Any, Any, None]:
    return
    yield  # makes this a generator


def _done() -> Coroutine[Any, Any, None]:
    # Awaiting a generator that has ended gives None at once, as often as one likes: "yield from" one that is
    # exhausted. Nothing is made for it, so it costs half of awaiting an `async def` that does nothing.
    ended: Any = _nothing()
    for _ in ended:
        pass
    done: Coroutine[Any, Any, None] = ended
    return done


READY: Coroutine[Any, Any, None] = _done()
"""What a call gives that has done its work, for those who await it all the same.

Awaiting gives None at once: nothing waits, and it is no checkpoint. Not awaiting is as good. It is a
coroutine for `await`, and so for types; `asyncio.create_task` would not take it.
"""


OPERATIONS_PER_CHECKPOINT = 64
"""How many operations of fast paths may go by in a thread until one passes a checkpoint."""


class _ThreadBudget(threading.local):
    def __init__(self) -> None:
        self.answers = cycle([False] * (OPERATIONS_PER_CHECKPOINT - 1) + [True])


_here = _ThreadBudget()


def operation_budget() -> Iterator[bool]:
    """Return this thread's budget: `next(budget)` counts one operation that did not wait.

    The answer is True every 64th time, all objects of the thread taken together; the caller then passes a
    `checkpoint`. So a task that never has to wait starves neither the loop nor its own cancellation.
    The idea is Tokio's ("Reducing tail latencies with automatic cooperative task yielding", 2020).

    Ask once, when an object is made, and keep what you get: asking costs more than counting. Where each
    operation is to be a checkpoint, `itertools.repeat(True)` takes its place.
    """
    return _here.answers  # an iterator, since `next` costs half of what a method of ours would


def start_budget(operations: int) -> None:
    """Begin this thread's budget anew: a checkpoint is due at the operation of this number, then as always.

    For tests, in which what ran before must not decide.

    Args:
        operations: From 1 to `OPERATIONS_PER_CHECKPOINT`.

    Raises:
        ValueError: it is none of these.
    """
    if not 1 <= operations <= OPERATIONS_PER_CHECKPOINT:
        raise ValueError(f"operations must be from 1 to {OPERATIONS_PER_CHECKPOINT}, not {operations}")
    answers = _here.answers
    while not next(answers):
        pass
    for _ in range(OPERATIONS_PER_CHECKPOINT - operations):
        next(answers)
