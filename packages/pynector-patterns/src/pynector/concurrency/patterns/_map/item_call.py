"""How a bounded map calls its function for one item."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pynector.concurrency.cancel import fail_after
from pynector.concurrency.primitives import RateLimiter

from .._function_name import can_be_awaited, function_name, not_async
from .._retry.policy import RetryPolicy

T = TypeVar("T")
R = TypeVar("R")


class CallPolicy(Protocol):
    """Calls a function for an item, perhaps again if it fails; a `RetryPolicy` is one."""

    async def __call__(self, func: Callable[[T], Awaitable[R]], item: T, /) -> R: ...


def item_call(
    func: Callable[[T], Awaitable[R]],
    *,
    timeout: float | None,
    retry: RetryPolicy | CallPolicy | None,
    limiter: RateLimiter | None,
) -> Callable[[T], Awaitable[R]]:
    """Return what calls *func* with all that is wanted; *func* itself, if that is nothing.

    The first call waits for *limiter* before the time counts; the others, after a failure, wait inside it.
    """
    if timeout is None and retry is None and limiter is None:
        return func
    name = function_name(func)

    async def call(item: T) -> R:
        if limiter is not None:
            await limiter.acquire()
        with fail_after(timeout):
            return await (attempts()(item) if retry is None else retry(attempts(), item))
        raise AssertionError("fail_after swallows nothing")  # pragma: no cover

    def attempts() -> Callable[[T], Awaitable[R]]:
        is_first = True

        async def attempt(item: T) -> R:
            nonlocal is_first
            if not is_first and limiter is not None:
                await limiter.acquire()
            is_first = False
            awaitable = func(item)
            if not can_be_awaited(awaitable):
                raise not_async("func", func, awaitable)
            return await awaitable

        attempt.__qualname__ = name  # for the logs of a policy
        return attempt

    return call
