"""The bounded map."""

import math
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, Literal, TypeVar, overload

from pynector.concurrency.primitives import RateLimiter
from pynector.concurrency.task.lowlevel import (
    check_callable,
    check_int,
    check_positive,
    check_seconds,
)

from ._map.item_call import CallPolicy, item_call
from ._map.progress import MapProgress, Outcome, ProgressCount
from ._map.source import Window
from ._map.stream import MapStream
from ._retry.policy import RetryPolicy

T = TypeVar("T")
R = TypeVar("R")


@overload
def concurrent_map(
    func: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    max_concurrency: int,
    ordered: bool = ...,
    window: int | None = ...,
    return_exceptions: Literal[False] = ...,
    timeout: float | None = ...,
    retry: RetryPolicy | CallPolicy | None = ...,
    max_per_second: float | None = ...,
    burst: int = ...,
    on_progress: Callable[[MapProgress], object] | None = ...,
    progress: bool = ...,
) -> MapStream[R]: ...


@overload
def concurrent_map(
    func: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    max_concurrency: int,
    ordered: bool = ...,
    window: int | None = ...,
    return_exceptions: Literal[True],
    timeout: float | None = ...,
    retry: RetryPolicy | CallPolicy | None = ...,
    max_per_second: float | None = ...,
    burst: int = ...,
    on_progress: Callable[[MapProgress], object] | None = ...,
    progress: bool = ...,
) -> MapStream[Outcome[T, R]]: ...


def concurrent_map(
    func: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    max_concurrency: int,
    ordered: bool = True,
    window: int | None = None,
    return_exceptions: bool = False,
    timeout: float | None = None,
    retry: RetryPolicy | CallPolicy | None = None,
    max_per_second: float | None = None,
    burst: int = 1,
    on_progress: Callable[[MapProgress], object] | None = None,
    progress: bool = False,
) -> MapStream[Any]:
    """Await `func(item)` for each item, some at a time, and give the results while others are on their way.

    Enter it with `async with`, and iterate over it inside: a slow consumer holds up the work, and leaving the
    block cancels what is not done, and closes an input that is a generator. The first error cancels the rest;
    it is raised where the next result is asked for, or else where the block ends.

    The input is read lazily. One that is asynchronous is entered, advanced and closed by one task, so it may
    have scopes and task groups open. Each call runs in its own copy of the context in which the block was
    entered; calls share tasks, though, and those that never wait let other tasks run after 64 at the latest.
    A plain input is read by the tasks that make the calls, so it may see what a call has set.

    For a list of all results, `parallel_requests` is simpler and faster.

    Args:
        func: An async function, called with each item.
        items: Anything to iterate over, also asynchronously; the items may be any objects.
        max_concurrency: How many calls may be on their way at a time, at least one.
        ordered: Give results in the order of the items; otherwise as they complete.
        window: How many items may have been taken whose results the consumer has not got: with *ordered*,
            what a slow item can hold up. At least *max_concurrency*; by default twice that.
        return_exceptions: Give an `Outcome` for each item, with the item, and the result or the error; so no
            error of an item cancels the rest.
        timeout: Seconds for each item, its further attempts included; `TimeoutError` is raised for one that
            takes longer.
        retry: A `RetryPolicy`, or anything else that is called as `await retry(func, item)`.
        max_per_second: Calls of *func* that begin in each second, further attempts included.
        burst: Calls that may begin at once after a rest; only with *max_per_second*.
        on_progress: A function that is called with a `MapProgress` after each item, in the block's context.
        progress: Show a progress bar; needs the extra `pynector-patterns[progress]`.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: one is out of its range, or two contradict each other.
        ImportError: a progress bar is wanted, and tqdm is not installed.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import concurrent_map

        async def fetch(url: str) -> int:
            await anyio.sleep(0.01)
            return len(url)

        async with concurrent_map(fetch, ["a", "bb", "ccc"], max_concurrency=2) as lengths:
            async for length in lengths:
                print(length)
                #> 1
                #> 2
                #> 3
        ```
    """
    check_callable("func", func)
    check_int("max_concurrency", max_concurrency, minimum=1)
    if window is not None and check_int("window", window, minimum=1) < max_concurrency:
        raise ValueError(f"window must be >= max_concurrency, {max_concurrency}, not {window}")
    if timeout is not None:
        check_seconds("timeout", timeout, minimum=0)
    if retry is not None:
        if not callable(retry):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"retry must be a RetryPolicy, or be called like one, not {retry!r}")
    if on_progress is not None:
        check_callable("on_progress", on_progress)
    return MapStream(
        item_call(func, timeout=timeout, retry=retry, limiter=_limiter(max_per_second, burst)),
        items,
        Window[Any](window or 2 * max_concurrency, ordered=ordered),
        max_workers=max_concurrency,
        keep_errors=return_exceptions,
        progress=ProgressCount(items, on_progress, show=progress),
    )


def _limiter(max_per_second: object, burst: int) -> RateLimiter | None:
    check_int("burst", burst, minimum=1)
    if max_per_second is None:
        if burst != 1:
            raise ValueError(f"burst needs max_per_second, or must be 1, not {burst}")
        return None
    if isinstance(max_per_second, int | float) and not max_per_second > 0:
        raise ValueError(f"max_per_second must be > 0, not {max_per_second}")
    rate = check_positive("max_per_second", max_per_second)
    if 1 / rate == math.inf:
        raise ValueError(f"max_per_second must be larger, not {max_per_second}: no second item would be due")
    return RateLimiter(rate, burst=burst)
