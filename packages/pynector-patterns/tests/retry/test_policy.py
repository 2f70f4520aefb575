"""What a policy tries again, and what it tells."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import FrozenInstanceError, dataclass, replace
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.patterns import (
    CircuitBreaker,
    ConnectionPool,
    FailedAttempt,
    PoolFactoryError,
    RetryBudget,
    RetryPolicy,
    parallel_requests,
    retry_pauses_off,
)
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick() -> Generator[None]:
    with retry_pauses_off():
        yield


def shown_to(errors: list[Exception]) -> Callable[[Exception], bool]:
    """A predicate that says yes and keeps what it was shown."""

    def retry_on(error: Exception) -> bool:
        errors.append(error)
        return True

    return retry_on


async def test_a_call_that_succeeds_is_made_once(service: Any) -> None:
    calls = service("answer")

    assert await RetryPolicy(timeout=5)(calls, 1, "two") == "answer"
    assert calls.calls == [(1, "two")]


async def test_wrap_decorates_and_hands_keyword_arguments_on() -> None:
    tries = list[dict[str, int]]()

    @RetryPolicy(attempts=2).wrap
    async def fetch(number: int, *, base: int) -> int:
        """Fetch it."""
        tries.append({"number": number, "base": base})
        if len(tries) == 1:
            raise ConnectionError
        return number + base

    assert await fetch(1, base=10) == 11
    assert tries == [{"number": 1, "base": 10}] * 2
    assert (fetch.__name__, fetch.__doc__) == ("fetch", "Fetch it.")


async def test_a_policy_is_shared_freely_between_tasks(failing: Any) -> None:
    policy = RetryPolicy(attempts=3, timeout=5)
    services = [failing(number % 3) for number in range(9)]

    async with anyio.create_task_group() as tg:
        for each in services:
            tg.start_soon(policy, each)
    assert [len(each.calls) for each in services] == [1, 2, 3] * 3


async def test_a_policy_does_not_change() -> None:
    policy = RetryPolicy()

    with pytest.raises(FrozenInstanceError):
        policy.attempts = 5  # type: ignore[misc]
    assert replace(policy, attempts=5).attempts == 5
    with pytest.raises(ValueError, match="attempts must be >= 1"):
        replace(policy, attempts=0)


async def test_only_errors_of_the_classes_given_are_tried_again(service: Any) -> None:
    policy = RetryPolicy(retry_on=(ConnectionError, LookupError))

    assert await policy(service(ConnectionResetError(), KeyError(), "answer")) == "answer"
    calls = service(ValueError("no"), "answer")
    with pytest.raises(ValueError, match="no") as caught:
        await policy(calls)
    assert len(calls.calls) == 1
    assert not hasattr(caught.value, "__notes__")


async def test_a_predicate_decides(service: Any) -> None:
    policy = RetryPolicy(retry_on=lambda error: "again" in str(error))

    assert await policy(service(ValueError("again"), "answer")) == "answer"
    with pytest.raises(ValueError, match="never"):
        await policy(service(ValueError("never"), "answer"))


@pytest.mark.parametrize("answer", [None, "yes", -1, float("nan"), float("inf")])
async def test_a_predicate_that_gives_neither_bool_nor_seconds_is_an_error(
    service: Any, answer: object
) -> None:
    error = ValueError("no")

    with pytest.raises(TypeError) as caught:
        await RetryPolicy(retry_on=lambda _: answer)(service(error))  # type: ignore[arg-type, return-value]
    assert str(caught.value) == f"a predicate must give a bool or seconds >= 0, not {answer!r}"
    assert caught.value.__context__ is error


async def test_wrong_arguments_are_not_tried_again() -> None:
    tries = 0

    async def fetch(url: str) -> str:
        nonlocal tries
        tries += 1
        return url

    def plain() -> str:
        nonlocal tries
        tries += 1
        return "not awaitable"

    with pytest.raises(TypeError, match="missing 1 required"):
        await RetryPolicy()(fetch)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="await"):
        await RetryPolicy()(plain)  # type: ignore[arg-type]
    assert tries == 1
    with pytest.raises(TypeError, match=r"^func must be callable, not 1$"):
        await RetryPolicy()(1)  # type: ignore[arg-type]


async def test_the_last_error_has_notes_of_attempts_seconds_and_earlier_errors(service: Any) -> None:
    errors = ConnectionError("refused"), LookupError("missing"), ValueError("wrong")

    with pytest.raises(ValueError, match="wrong") as caught:
        await RetryPolicy()(service(*errors))
    assert caught.value is errors[-1]
    first, *rest = caught.value.__notes__
    assert first.startswith("gave up after 3 attempts, 0.0")
    assert rest == ["attempt 1: ConnectionError: refused", "attempt 2: LookupError: missing"]


async def test_an_error_that_is_not_tried_again_tells_the_earlier_ones(service: Any) -> None:
    with pytest.raises(ValueError, match="wrong") as caught:
        await RetryPolicy(retry_on=OSError)(service(OSError("first"), ValueError("wrong")))
    assert caught.value.__notes__[1:] == ["attempt 1: OSError: first"]


async def test_of_many_errors_the_last_ones_are_kept(failing: Any) -> None:
    with pytest.raises(ConnectionError, match="failure 100") as caught:
        await RetryPolicy(attempts=100, before_sleep=None)(failing(100))
    assert len(caught.value.__notes__) == 12
    assert caught.value.__notes__[1:3] == [
        "attempts 1 to 89: not kept",
        "attempt 90: ConnectionError: failure 90",
    ]


@pytest.mark.virtual_time
@pytest.mark.parametrize("fails", ["twice", "always", "and is slow"])
async def test_no_error_is_left_to_the_garbage_collector(fails: str) -> None:
    class Missing(LookupError):
        """Unlike LookupError itself, it can be referred to weakly."""

    alive = list[weakref.ref[Exception]]()

    def failure() -> Exception:
        error = Missing()
        alive.append(weakref.ref(error))
        return error

    async def fetch() -> None:
        if len(alive) == 1 and fails == "and is slow":
            await anyio.sleep_forever()
        if len(alive) < 2 or fails == "always":
            raise failure()

    gc.disable()
    try:
        with suppress(LookupError, TimeoutError):
            await RetryPolicy(timeout=0.01)(fetch)
        assert [ref() for ref in alive] == [None] * len(alive)
    finally:
        gc.enable()


async def test_before_sleep_is_told_of_each_attempt_that_is_followed_by_another(failing: Any) -> None:
    told = list[FailedAttempt]()
    calls = failing(2)

    await RetryPolicy(attempts=5, before_sleep=told.append)(calls)
    assert [(each.number, each.attempts, str(each.error), each.pause) for each in told] == [
        (1, 5, "failure 1", 0.0),
        (2, 5, "failure 2", 0.0),
    ]
    assert {each.name for each in told} == {"Service"}
    assert 0 <= told[0].seconds <= told[1].seconds


async def test_an_error_of_before_sleep_ends_it(failing: Any) -> None:
    def refuse(_: FailedAttempt) -> None:
        raise LookupError("hook")

    with pytest.raises(LookupError, match="hook"):
        await RetryPolicy(before_sleep=refuse)(failing(1))


async def test_by_default_one_line_is_logged(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fetch() -> Any:
        return await calls()

    calls = service(ConnectionError("refused"), "answer")
    with caplog.at_level(logging.WARNING, "pynector.concurrency.patterns"):
        await RetryPolicy()(partial(fetch))
    assert [record.getMessage() for record in caplog.records] == [
        "test_by_default_one_line_is_logged.<locals>.fetch: attempt 1 of 3 failed after 0.00 s"
        " with ConnectionError: refused; next in 0.00 s"
    ]


async def test_nothing_is_said_where_before_sleep_is_none(
    failing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await RetryPolicy(before_sleep=None)(failing(2))
    assert not caplog.records


async def test_a_cancellation_is_neither_tried_again_nor_shown(service: Any) -> None:
    shown = list[Exception]()
    calls = service("slow", "answer")

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(RetryPolicy(timeout=60, retry_on=shown_to(shown)), calls)
            await wait_until_blocked()
            scope.cancel()
    assert len(calls.calls) == 1
    assert not shown


async def test_nor_is_one_inside_a_group() -> None:
    shown = list[Exception]()
    tries = 0

    async def fetch() -> None:
        nonlocal tries
        tries += 1
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class() as cancellation:
            raise BaseExceptionGroup("both", [cancellation, ValueError("in cleanup")]) from None

    policy = RetryPolicy(retry_on=shown_to(shown))
    with suppress(ExceptionGroup), anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(policy, fetch)
            await wait_until_blocked()
            scope.cancel()
    assert tries == 1
    assert not shown


async def test_a_group_is_tried_again_if_all_errors_in_it_are_of_the_classes_given(service: Any) -> None:
    policy = RetryPolicy(retry_on=OSError)

    assert await policy(service(ExceptionGroup("both", [ConnectionError(), OSError()]), "answer")) == "answer"
    with pytest.raises(ExceptionGroup):
        await policy(service(ExceptionGroup("both", [ConnectionError(), ValueError()]), "answer"))


@pytest.mark.on("asyncio")
@pytest.mark.parametrize("timeout", [None, 60])
async def test_a_time_out_of_asyncio_around_it_ends_it(service: Any, timeout: float | None) -> None:
    calls = service("slow", "answer")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await RetryPolicy(timeout=timeout)(calls)
    assert len(calls.calls) == 1


async def test_an_error_that_takes_no_notes_is_raised_all_the_same(service: Any) -> None:
    @dataclass(frozen=True)
    class Refused(Exception):
        code: int

    with pytest.raises(Refused):
        await RetryPolicy()(service(*[Refused(503)] * 3))


async def test_a_time_out_of_the_functions_own_is_an_error_like_any_other(service: Any) -> None:
    policy = RetryPolicy(timeout=60, retry_on=LookupError)

    with pytest.raises(TimeoutError, match=r"^of the database$"):
        await policy(service(TimeoutError("of the database"), "answer"))


async def test_a_budget_bounds_the_retries_of_all_calls(service: Any) -> None:
    budget = RetryBudget(tokens=3, per_success=0.5)
    policy = RetryPolicy(attempts=3, budget=budget)

    async def fail() -> int:
        calls = service(*[ConnectionError()] * 3)
        with pytest.raises(ConnectionError) as caught:
            await policy(calls)
        if len(calls.calls) < 3:
            assert caught.value.__notes__[0].endswith("the retry budget is spent")
        return len(calls.calls)

    assert [await fail() for _ in range(4)] == [3, 2, 1, 1]
    assert repr(budget) == "<RetryBudget 0 of 3 tokens>"
    for _ in range(2):
        await policy(service("answer"))
    assert budget.tokens == 1
    assert await fail() == 2


async def test_a_budget_holds_no_more_than_its_tokens(service: Any) -> None:
    budget = RetryBudget(tokens=2)

    await RetryPolicy(budget=budget)(service("answer"))
    assert budget.tokens == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"attempts": 0}, ValueError, "attempts must be >= 1, not 0"),
        ({"attempts": 1.5}, TypeError, "attempts must be an int, not 1.5"),
        ({"timeout": -1}, ValueError, "timeout must be >= 0 seconds, not -1"),
        ({"total_timeout": "1"}, TypeError, "total_timeout must be a number of seconds, not '1'"),
        ({"timeout": 2, "total_timeout": 1}, ValueError, "total_timeout must be >= timeout, 2, not 1"),
        ({"backoff": -1}, ValueError, "backoff must be >= 0 seconds, not -1"),
        ({"backoff": 5, "max_backoff": 1}, ValueError, "max_backoff must be >= backoff, 5, not 1"),
        ({"random": 1}, TypeError, "random must be a random.Random, not 1"),
        ({"jitter": 2}, ValueError, "jitter must be from 0.0 to 1.0, not 2"),
        ({"jitter": "full"}, TypeError, "jitter must be a number, not 'full'"),
        (
            {"retry_on": "x"},
            TypeError,
            "retry_on must be a class of errors, several in a tuple, or a predicate, not 'x'",
        ),
        (
            {"retry_on": (ValueError, BaseException)},
            TypeError,
            "retry_on must name subclasses of Exception, not <class 'BaseException'>",
        ),
        ({"before_sleep": 1}, TypeError, "before_sleep must be callable, not 1"),
    ],
)
async def test_wrong_options_and_contradictions_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        RetryPolicy(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize("options", [{"tokens": 0.5}, {"per_success": -1}])
async def test_wrong_budgets_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be >="):
        RetryBudget(**options)


async def test_a_function_that_is_not_async_is_named_and_called_once() -> None:
    calls = list[int]()

    def fetch(number: int) -> int:
        calls.append(number)
        return number

    for func in fetch, partial(fetch):
        with pytest.raises(
            TypeError, match=r"^func must be an async function: .*fetch\(\) gave 5, which cannot be awaited$"
        ):
            await RetryPolicy()(func, 5)  # type: ignore[arg-type]
    assert calls == [5, 5]


async def test_calls_that_never_wait_do_not_starve_others() -> None:
    async def answer() -> None:
        """Takes no time."""

    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(64):
            await RetryPolicy()(answer)
    assert scope.cancelled_caught


async def test_loops_that_never_wait_do_not_starve_others() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(64):
            async for attempt in RetryPolicy():
                async with attempt:
                    pass
    assert scope.cancelled_caught


async def test_what_a_pool_s_factory_raised_is_what_counts_for_those_who_waited(caplog: Any) -> None:
    calls = 0

    async def connect() -> object:
        nonlocal calls
        calls += 1
        await anyio.lowlevel.checkpoint()
        if calls == 1:
            raise ConnectionRefusedError("refused once")
        return object()

    async def use(number: int) -> int:
        async with pool.acquire():
            return number

    policy = RetryPolicy(attempts=2, retry_on=ConnectionError, before_sleep=None)
    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        assert await parallel_requests(range(4), partial(policy, use), max_concurrency=4) == [0, 1, 2, 3]


async def test_the_log_names_the_circuit_breaker_that_is_called(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    calls = service(OSError("refused"), "answer")

    assert await RetryPolicy()(CircuitBreaker(name="users"), calls) == "answer"

    assert caplog.messages[0].startswith("users: attempt 1 of 3 failed")


async def test_a_group_counts_if_all_in_it_do_whatever_they_pass_on(failing: Any) -> None:
    def passed_on(cause: Exception) -> Exception:
        error = PoolFactoryError("connection_factory failed", statistics)
        error.__cause__ = cause
        return error

    async with ConnectionPool(max_connections=1, connection_factory=object) as pool:  # type: ignore[call-overload]
        statistics = pool.statistics()
    good = ExceptionGroup("good", [OSError(), ExceptionGroup("inner", [passed_on(OSError())])])
    bad = ExceptionGroup("bad", [OSError(), passed_on(ValueError())])
    for group, attempts in ((good, 3), (bad, 1)):
        calls = 0

        async def fail() -> None:
            nonlocal calls
            calls += 1
            raise group  # noqa: B023

        with pytest.raises(ExceptionGroup):
            await RetryPolicy(attempts=3, retry_on=OSError, before_sleep=None)(fail)
        assert calls == attempts
