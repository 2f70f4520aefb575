"""The priority queue."""

from collections.abc import Callable
from typing import Any, TypeVar

from pynector.concurrency.task.lowlevel import check_callable

from ._queue import Queue
from ._stores import SortedLine

T = TypeVar("T")


class PriorityQueue(Queue[T]):
    """A `Queue` whose items leave by priority, the lowest first; equal ones in order of arrival.

    Everything else is as in `Queue`. Tasks that wait in `put` are let in in order of arrival, whatever the
    priority of their items.

    Args:
        max_size: The most items that may be in it, at least one. None: no limit.
        key: Returns the priority of an item, anything that can be compared with `<`. It is compared when the
            item is put in, and not again. None: the item itself, such as a tuple `(priority, ...)`.
        fast_acquire: As in `Queue`.

    Raises:
        TypeError: *max_size* is not an int, or *key* cannot be called. From `put`: two priorities cannot be
            compared; the item has not been put.
        ValueError: *max_size* is less than one.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import PriorityQueue

        async def main() -> None:
            queue = PriorityQueue[str](key=len)
            for word in "pear", "fig", "banana":
                await queue.put(word)
            print(await queue.get())
            #> fig

        anyio.run(main)
        ```
    """

    __slots__ = ()

    def __init__(
        self,
        max_size: int | None = None,
        *,
        key: Callable[[T], Any] | None = None,
        fast_acquire: bool = False,
    ) -> None:
        if key is not None:
            check_callable("key", key)
        self._state = self._make_state(SortedLine[T](key), max_size, fast_acquire)
