"""An awaitable that is done."""

from collections.abc import Coroutine, Generator
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
