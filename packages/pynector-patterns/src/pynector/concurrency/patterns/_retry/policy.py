"""The retry policy."""

import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial, wraps
from random import Random
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

from anyio import CancelScope, sleep

from pynector.concurrency.task.lowlevel import (
    cancel_scope,
    check_callable,
    check_fraction,
    check_int,
    check_seconds,
    checkpoint,
    current_time,
    operation_budget,
)

from .._function_name import can_be_awaited, check_wrappable, function_name, not_async
from .attempts import RetryAttempts
from .budget import RetryBudget
from .failed_attempt import FailedAttempt, log_failed_attempt
from .failures import Failures
from .retry_on import RetryOn, check_retry_on

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a call that fails is tried again, and when.

    A policy holds no state but its budget: make one for each service and share it between tasks. Call it
    with a function and its arguments, decorate with `wrap`, or loop over it with `async for`.

    Both time limits are cancel scopes: they interrupt an attempt. An attempt that ran out of its `timeout`
    is tried again, whatever `retry_on` says; a `TimeoutError` that the function raised itself is an error
    like any other. A cancellation from outside is never retried and never shown to `retry_on`, nor is a
    `BaseExceptionGroup` with one inside. No pause is begun that cannot end before the deadline that holds
    here. A `TypeError` of the call itself, for wrong arguments, is not retried on by class.

    The last error is raised as it is, with notes that tell attempts, seconds and the earlier errors. If the
    last attempt ran out of time, that is a `TimeoutError`, caused by the last error of another kind.

    Args:
        attempts: Attempts in all, the first included; at least one. None: no limit.
        timeout: Seconds given to each attempt. None: no limit.
        total_timeout: Seconds given to all attempts and the pauses between them. None: no limit.
        backoff: The longest pause after the first attempt, in seconds; it doubles after each one.
        max_backoff: The pause never gets longer than this. None: 10 seconds, or *backoff* if that is more.
        jitter: The share of each pause that is left to chance, from 0.0 (none) to 1.0 (all of it).
        retry_on: Classes of errors that are worth another attempt, and groups of nothing but such; a
            `PoolFactoryError` counts as what the factory raised, too. Or a function that takes the error and
            gives True, False, or the seconds to pause, which are not cut (such as a `Retry-After`).
        before_sleep: Called with a `FailedAttempt` before each pause; by default it logs one line. None:
            nothing is said.
        budget: A bound for the retries of all calls together. None: no bound.
        random: What the chance comes from, such as `random.Random(1)` where pauses must be the same again.
            None: the module's own.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a number is out of its range, or two contradict each other.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import RetryPolicy

        policy = RetryPolicy(attempts=4, timeout=2.0, retry_on=ConnectionError)

        async def fetch(url: str) -> str:
            return f"page of {url}"

        async def main() -> None:
            print(await policy(fetch, "https://example.org"))
            #> page of https://example.org

        anyio.run(main)
        ```
    """

    attempts: int | None = 3
    timeout: float | None = None
    total_timeout: float | None = None
    backoff: float = 0.1
    max_backoff: float | None = None
    jitter: float = 1.0
    retry_on: RetryOn = Exception
    before_sleep: Callable[[FailedAttempt], object] | None = log_failed_attempt
    budget: RetryBudget | None = None
    random: Random | None = None

    def __post_init__(self) -> None:
        if self.attempts is not None:
            check_int("attempts", self.attempts, minimum=1)
        for name in "timeout", "total_timeout", "max_backoff":
            if (seconds := getattr(self, name)) is not None:
                check_seconds(name, seconds, minimum=0.0)
        check_seconds("backoff", self.backoff, minimum=0.0)
        check_fraction("jitter", self.jitter)
        check_retry_on("retry_on", self.retry_on)
        if self.before_sleep is not None:
            check_callable("before_sleep", self.before_sleep)
        if not isinstance(self.random, Random | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"random must be a random.Random, not {self.random!r}")
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if self.max_backoff is not None and self.max_backoff < self.backoff:
            raise ValueError(f"max_backoff must be >= backoff, {self.backoff}, not {self.max_backoff}")
        if self.timeout is not None and self.total_timeout is not None and self.total_timeout < self.timeout:
            raise ValueError(f"total_timeout must be >= timeout, {self.timeout}, not {self.total_timeout}")

    async def __call__(self, func: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Call `func(*args)`, and again if it fails, as the policy says.

        Args:
            func: An async function.
            args: Its positional arguments; for keyword arguments use `functools.partial`.

        Raises:
            TimeoutError: the last attempt ran out of its time, or all of them together.
            TypeError: *func* cannot be called.
        """
        if not callable(func):
            check_callable("func", func)
        if next(operation_budget()):
            await checkpoint()
        failures: Failures | None = None
        limit = self.total_timeout if self.timeout is None else self.timeout
        started = current_time() if limit is None or limit == math.inf else None
        try:
            while True:
                scope = cancel_scope(limit)
                try:
                    with scope:
                        awaitable = func(*args)
                        kind = type(awaitable)  # checked here first, for the cost of a call
                        if kind is not CoroutineType and not can_be_awaited(awaitable):
                            raise not_async("func", func, awaitable)
                        result = await awaitable
                        if self.budget is not None:
                            self.budget.earn()
                        return result
                except Exception as error:
                    failures = failures or self._failures(func, started, scope, limit)
                    pause = failures.pause_after(error)
                    if pause is None:
                        raise
                else:  # the scope swallowed its own cancellation
                    failures = failures or self._failures(func, started, scope, limit)
                    pause = failures.pause_after_timeout()
                await sleep(pause)
                limit = failures.time_left()
        finally:
            failures = None  # it holds the last error, whose traceback holds this frame

    def _failures(
        self, func: Callable[..., object], started: float | None, scope: CancelScope, limit: float | None
    ) -> Failures:
        if started is None:
            assert limit is not None
            started = scope.deadline - limit  # which has read the clock: a call that succeeds need not
        return Failures(self, function_name(func), started)

    def __aiter__(self) -> RetryAttempts:
        """Loop over the attempts of a block.

        Example:
            ```python
            async for attempt in RetryPolicy(attempts=3):
                async with attempt:
                    print("attempt", attempt.number)
                    #> attempt 1
            ```
        """
        return RetryAttempts(self)

    def wrap(self, func: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """Decorate *func*: each call of it goes by this policy.

        Raises:
            TypeError: *func* cannot be called, or is a generator function.
        """
        check_wrappable("func", func)

        @wraps(func)
        async def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self(partial(func, *args, **kwargs))

        return retrying
