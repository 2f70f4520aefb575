"""Retries with a time limit for each attempt, in one call."""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar, TypeVarTuple

from pynector.concurrency.task.lowlevel import check_int

from .policy import RetryPolicy
from .retry_on import RetryOn

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CLASSES: Any = (type, tuple)
"""What names errors by their classes, rather than by a predicate."""


async def retry_with_timeout(
    func: Callable[[*Ts], Awaitable[T]],
    *args: *Ts,
    max_retries: int = 3,
    timeout: float | None = 5.0,
    total_timeout: float | None = None,
    retry_on: RetryOn = Exception,
) -> T:
    """Call `func(*args)`, up to *max_retries* times, each time with *timeout* seconds to answer.

    A `RetryPolicy` in one call, which see for what is retried; the pause before the second attempt is 0.1
    seconds at most. For more options make a policy. If cancelled, the attempt is, and there is no other.

    Args:
        func: An async function.
        args: Its positional arguments; for keyword arguments use `functools.partial`.
        max_retries: Attempts in all, the first included; at least one.
        timeout: Seconds given to each attempt, not to the whole call. None: no limit.
        total_timeout: Seconds given to the whole call. None: no limit.
        retry_on: Which errors are worth another attempt: classes, or a predicate.

    Raises:
        TimeoutError: no answer in time in the last attempt; it tells how many attempts, and how long.
        TypeError: an argument is of the wrong type.
        ValueError: a number is out of its range.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import retry_with_timeout

        async def ask(question: str) -> str:
            await anyio.sleep(10)
            return "42"

        async def main() -> None:
            try:
                await retry_with_timeout(ask, "why?", max_retries=1, timeout=0.01)
            except TimeoutError:
                print("no answer")
                #> no answer

        anyio.run(main)
        ```
    """
    # Making a policy costs more than a call that succeeds; but no predicate is kept, with all it refers to.
    policy = None
    if isinstance(retry_on, CLASSES):
        try:
            policy = _kept_policy(max_retries, timeout, total_timeout, retry_on)
        except TypeError:
            pass  # what cannot be hashed is refused in our own words
    if policy is None:
        policy = _policy(max_retries, timeout, total_timeout, retry_on)
    return await policy(func, *args)


def _policy(
    max_retries: int, timeout: float | None, total_timeout: float | None, retry_on: RetryOn
) -> RetryPolicy:
    check_int("max_retries", max_retries, minimum=1)
    return RetryPolicy(attempts=max_retries, timeout=timeout, total_timeout=total_timeout, retry_on=retry_on)


_kept_policy = lru_cache(maxsize=64, typed=True)(_policy)  # typed, or True would pass for 1
