"""Retries in one call."""

import gc
import re
import weakref
from collections.abc import Generator
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import retry_pauses_off, retry_with_timeout

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick() -> Generator[None]:
    with retry_pauses_off():
        yield


async def test_gives_what_the_function_returns_and_hands_its_arguments_on(service: Any) -> None:
    calls = service("answer")

    assert await retry_with_timeout(calls, 1, "two") == "answer"
    assert calls.calls == [(1, "two")]


@pytest.mark.virtual_time
async def test_an_attempt_that_times_out_or_fails_is_followed_by_another(service: Any) -> None:
    calls = service("slow", ValueError("no"), "answer")

    assert await retry_with_timeout(calls, max_retries=3, timeout=0.01) == "answer"
    assert len(calls.calls) == 3


@pytest.mark.virtual_time
async def test_all_timed_out_says_how_many_attempts_and_how_long(service: Any) -> None:
    calls = service("slow", "slow", "slow")

    with pytest.raises(TimeoutError) as caught:
        await retry_with_timeout(calls, max_retries=3, timeout=0.01)
    assert re.fullmatch(r"no answer within 0\.01 s \(3 attempts, 0\.\d\d s\)", str(caught.value))
    assert len(calls.calls) == 3


async def test_the_last_error_is_raised_as_it_is(service: Any) -> None:
    error = ValueError("second")
    calls = service(ValueError("first"), error)

    with pytest.raises(ValueError, match="second") as caught:
        await retry_with_timeout(calls, max_retries=2)
    assert caught.value is error


async def test_a_timeout_error_of_the_function_is_not_taken_for_ours(service: Any) -> None:
    with pytest.raises(TimeoutError, match=r"^of the database$"):
        await retry_with_timeout(service(TimeoutError("of the database")), max_retries=1)


@pytest.mark.virtual_time
async def test_a_cancellation_from_outside_is_not_retried(service: Any) -> None:
    calls = service("slow", "answer")

    with anyio.move_on_after(0.01) as scope:
        await retry_with_timeout(calls)
    assert scope.cancelled_caught
    assert len(calls.calls) == 1


async def test_no_time_out_means_no_limit(service: Any) -> None:
    assert await retry_with_timeout(service("answer"), timeout=None) == "answer"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_retries": 0}, "max_retries must be >= 1, not 0"),
        ({"timeout": -1.0}, "timeout must be >= 0 seconds, not -1.0"),
        ({"timeout": float("nan")}, "timeout must not be NaN"),
        ({"timeout": 2.0, "total_timeout": 1.0}, "total_timeout must be >= timeout, 2.0, not 1.0"),
    ],
)
async def test_wrong_numbers_are_refused(service: Any, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        await retry_with_timeout(service("answer"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_retries": [3]}, r"max_retries must be an int, not \[3\]"),
        ({"max_retries": True}, "max_retries must be an int, not True"),
        ({"timeout": {}}, r"timeout must be a number of seconds, not \{\}"),
        ({"retry_on": (OSError, [])}, r"retry_on must name subclasses of Exception, not \[\]"),
        ({"retry_on": BaseException}, "retry_on must name subclasses of Exception, not <class .*>"),
    ],
)
async def test_what_is_of_the_wrong_type_is_refused(service: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$") as caught:
        await retry_with_timeout(service("answer"), **options)
    assert caught.value.__context__ is None


async def test_a_predicate_is_not_kept(service: Any) -> None:
    def is_wanted(error: Exception) -> bool:
        return isinstance(error, OSError)

    is_gone = weakref.ref(is_wanted)
    assert await retry_with_timeout(service(OSError(), "answer"), retry_on=is_wanted) == "answer"
    del is_wanted
    gc.collect()

    assert is_gone() is None


async def test_retry_on_says_which_errors_are_tried_again(service: Any) -> None:
    assert await retry_with_timeout(service(OSError(), "answer"), retry_on=OSError) == "answer"
    with pytest.raises(ValueError, match="no"):
        await retry_with_timeout(service(ValueError("no"), "answer"), retry_on=OSError)
