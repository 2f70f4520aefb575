"""The simple way to a bounded map."""

import math
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

from pynector.concurrency.task.lowlevel import check_callable, check_int, checkpoint

from ._map.list_run import ListRun
from ._map.progress import ProgressCount
from ._map.source import Window
from ._map.stream import MapStream

T = TypeVar("T")
R = TypeVar("R")


async def parallel_requests(
    urls: Iterable[T] | AsyncIterable[T], fetch: Callable[[T], Awaitable[R]], max_concurrency: int = 10
) -> list[R]:
    """Await `fetch(url)` for each of *urls*, some at a time, and give the results in the order of the input.

    The input is read lazily, an item when there is a task to take it, and any number of items takes
    *max_concurrency* tasks at most. The first error cancels the rest and is raised as it is. If cancelled,
    all calls are cancelled, and have ended when this returns. An input that is a generator is closed.

    Each call runs in its own copy of the caller's context: no context variable that one sets is seen by
    another. Calls share tasks, though: `current_task()` tells nothing about which call runs. Calls that never
    wait let other tasks run after 64 items at the latest. A plain input is read by the same tasks, so it may
    see what a call has set; an asynchronous one has a task of its own.

    For more than this, such as results while others are still on their way, use `concurrent_map`.

    Args:
        urls: Anything to iterate over, also asynchronously; the items may be any objects.
        fetch: An async function, called with each item.
        max_concurrency: How many calls may be on their way at a time, at least one.

    Raises:
        TypeError: *urls* cannot be iterated over, or *fetch* not be called.
        ValueError: *max_concurrency* is less than one.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import parallel_requests

        async def fetch(url: str) -> int:
            await anyio.sleep(0.01)
            return len(url)

        print(await parallel_requests(["a", "bb", "ccc"], fetch, max_concurrency=2))
        #> [1, 2, 3]
        ```
    """
    check_callable("fetch", fetch)
    check_int("max_concurrency", max_concurrency, minimum=1)
    await checkpoint()
    if isinstance(urls, AsyncIterable):
        stream = MapStream[R](
            fetch,
            urls,
            Window(math.inf, ordered=True),  # the list holds all results anyway
            max_workers=max_concurrency,
            keep_errors=False,
            progress=ProgressCount(urls, None, show=False),
        )
        async with stream:
            return [result async for result in stream]
    return await ListRun(fetch, urls, max_workers=max_concurrency).run()
