"""The circuit breaker."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from types import CoroutineType, TracebackType
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, cast

from anyio import NoEventLoopError

from pynector.concurrency.task.lowlevel import (
    check_callable,
    check_fraction,
    check_int,
    check_seconds,
    checkpoint,
    current_task,
    current_time,
    operation_budget,
)

from .._function_name import can_be_awaited, check_wrappable, not_async
from .._retry.retry_on import ErrorClasses, check_retry_on, is_one_of
from .circuit import Circuit, CircuitState
from .guarded_call import GuardedCall

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class CircuitStatistics:
    """What a `CircuitBreaker` tells of itself.

    Attributes:
        state: `closed`, `open` or `half-open`.
        calls: The calls that ended lately, while it was closed.
        failures: Those of them that failed.
        refused: The calls that were refused, in all.
    """

    state: CircuitState
    calls: int
    failures: int
    refused: int


class CircuitBreaker:
    """Refuses calls to a service that fails too often, so that it can recover and callers need not wait.

    Make one for each service and share it between tasks. Call it with a function and its arguments, decorate
    with `wrap`, or enter it around a block. It composes with `RetryPolicy`: in `policy(breaker, fetch, url)`
    each attempt goes through the breaker, and while that is open the policy does not try.

    An error that counts is a failure, any other is an answer. A call that was cancelled counts for nothing,
    so that a time limit belongs inside: to the breaker, or to what it calls.

    States:
        | | closed | open | half-open |
        | --- | --- | --- | --- |
        | a call | is made | CircuitOpenError | is made, for the first *probes* |
        | a success | | | of all *probes*: closes |
        | a failure | opens, if too many | | opens again |
        | *cool_down* is over | | half-open at the next call | |

    Args:
        threshold: Failures within *window* that open it, at least one.
        ratio: The share of the calls within *window* that must have failed as well, from 0.0 to 1.0.
        window: Seconds that an outcome counts.
        cool_down: Seconds that it stays open before a call may try.
        probes: Calls that may try when half-open, and must succeed to close it; at least one.
        timeout: Seconds given to each call. None: no limit.
        trip_on: Classes of errors that count as failures, or a predicate. A group counts if all in it do, a
            `PoolFactoryError` if what the factory raised does.
        name: Stands in the error, and in the log of a `RetryPolicy` that calls this.
        on_change: Called with the old state and the new one.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a number is out of its range.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import CircuitBreaker, CircuitOpenError

        breaker = CircuitBreaker(threshold=2, cool_down=30)

        async def fetch() -> str:
            raise ConnectionError("refused")

        async def main() -> None:
            for _ in range(3):
                try:
                    await breaker(fetch)
                except (ConnectionError, CircuitOpenError) as error:
                    print(type(error).__name__)
            #> ConnectionError
            #> ConnectionError
            #> CircuitOpenError

        anyio.run(main)
        ```
    """

    __slots__ = ("_budget", "_calls", "_circuit", "_is_failure", "_timeout")

    def __init__(
        self,
        *,
        threshold: int = 5,
        ratio: float = 0.5,
        window: float = 30.0,
        cool_down: float = 10.0,
        probes: int = 1,
        timeout: float | None = None,
        trip_on: ErrorClasses | Callable[[Exception], bool] = Exception,
        name: str | None = None,
        on_change: Callable[[CircuitState, CircuitState], object] | None = None,
    ) -> None:
        check_int("threshold", threshold, minimum=1)
        check_int("probes", probes, minimum=1)
        check_seconds("window", window, minimum=0.0)
        check_seconds("cool_down", cool_down, minimum=0.0)
        if timeout is not None:
            check_seconds("timeout", timeout, minimum=0.0)
        check_fraction("ratio", ratio)
        check_retry_on("trip_on", trip_on)
        if on_change is not None:
            check_callable("on_change", on_change)
        self._circuit = Circuit(threshold, ratio, window, cool_down, probes, name, on_change)
        self._timeout = timeout
        self._budget = operation_budget()
        self._is_failure = _predicate(trip_on)
        self._calls: dict[Any, list[GuardedCall]] = {}  # of each task that is in a block

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name!r}"
        return f"<CircuitBreaker{name} {self.state}>"

    @property
    def name(self) -> str | None:
        """What it was named."""
        return self._circuit.name

    @property
    def state(self) -> CircuitState:
        """`closed`, `open` or `half-open`; it stays `open` until a call is made when *cool_down* is over."""
        return self._circuit.state

    def statistics(self) -> CircuitStatistics:
        """Tell the state, and how the last calls ended; where no event loop runs, as of the last of them."""
        circuit = self._circuit
        with suppress(NoEventLoopError):  # without a clock it is what counted last
            circuit.outcomes.forget(current_time())
        return CircuitStatistics(
            circuit.state, circuit.outcomes.calls, circuit.outcomes.failures, circuit.refused
        )

    async def __call__(self, func: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Call `func(*args)`, unless the circuit is open.

        Raises:
            CircuitOpenError: it is open; the function was not called.
            TimeoutError: no answer within *timeout*.
        """
        if not callable(func):
            check_callable("func", func)
        if next(self._budget):
            await checkpoint()
        with self._guard():
            awaitable = func(*args)
            kind = type(awaitable)  # checked here first, for the cost of a call
            if kind is not CoroutineType and not can_be_awaited(awaitable):
                raise not_async("func", func, awaitable)
            return await awaitable

    def wrap(self, func: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """Decorate *func*: each call of it goes through this breaker.

        Raises:
            TypeError: *func* cannot be called, or is a generator function.
        """
        check_wrappable("func", func)

        @wraps(func)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self(partial(func, *args, **kwargs))

        return guarded

    async def __aenter__(self) -> None:
        """Enter the circuit for a block, which counts as a call.

        The task that enters it leaves it, and leaves its blocks in reverse order. An async generator that is
        dropped is ended by another task, so it had better call the breaker than hold a block around `yield`.

        Raises:
            CircuitOpenError: it is open.
        """
        if next(self._budget):
            await checkpoint()
        call = self._guard()
        call.__enter__()
        self._calls.setdefault(current_task(), []).append(call)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        task = current_task()
        calls = self._calls.get(task)
        if calls is None:
            self._give_up_strayed_call()
            raise RuntimeError("circuit breaker is left by another task than the one that entered it")
        call = calls.pop()
        if not calls:
            del self._calls[task]
        call.__exit__(exc_type, exc, tb)

    def _give_up_strayed_call(self) -> None:
        """A block was left by another task: let it not keep the place of a probe for ever.

        It is one of those that are entered. If only one of them matters, that gives its place up, though it
        may be another one, which goes on then.
        """
        calls = [call for calls in self._calls.values() for call in calls]
        current = [call for call in calls if call.is_current]
        if len(current) == 1:
            current[0].forfeit()
        if len(calls) == 1:
            calls[0].drop_timeout()
            self._calls.clear()

    def _guard(self) -> GuardedCall:
        return GuardedCall(self._circuit, self._is_failure, self._timeout)


def _predicate(choice: ErrorClasses | Callable[[Exception], bool]) -> Callable[[Exception], bool]:
    if isinstance(choice, tuple | type):
        classes = cast("ErrorClasses", choice)
        return lambda error: is_one_of(error, classes)
    return choice
