"""A policy as a loop."""

from collections.abc import Generator
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import RetryBudget, RetryPolicy, retry_pauses_off

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick() -> Generator[None]:
    with retry_pauses_off():
        yield


async def test_the_block_is_tried_until_it_does_not_fail(failing: Any) -> None:
    calls, numbers = failing(2), list[int]()

    async for attempt in RetryPolicy():
        async with attempt:
            numbers.append(attempt.number)
            answer = await calls()
    assert answer == "answer"
    assert numbers == [1, 2, 3]


async def test_the_last_error_leaves_the_loop_with_notes() -> None:
    with pytest.raises(ConnectionError, match="failure 2") as caught:
        async for attempt in RetryPolicy(attempts=2):
            async with attempt:
                raise ConnectionError(f"failure {attempt.number}")
    assert caught.value.__notes__[1:] == ["attempt 1: ConnectionError: failure 1"]


@pytest.mark.virtual_time
async def test_the_block_has_the_time_limit_of_an_attempt(service: Any) -> None:
    calls = service("slow", "answer")

    async for attempt in RetryPolicy(timeout=0.01):
        async with attempt:
            answer = await calls()
    assert answer == "answer"


@pytest.mark.virtual_time
async def test_the_last_time_out_leaves_the_loop(service: Any) -> None:
    with pytest.raises(TimeoutError, match=r"^no answer within 0\.01 s \(2 attempts, "):
        async for attempt in RetryPolicy(attempts=2, timeout=0.01):
            async with attempt:
                await anyio.sleep_forever()


async def test_an_error_that_is_not_tried_again_leaves_the_loop() -> None:
    with pytest.raises(ValueError, match="no"):
        async for attempt in RetryPolicy(retry_on=OSError):
            async with attempt:
                raise ValueError("no")


@pytest.mark.virtual_time
async def test_the_loop_may_be_left_at_any_time() -> None:
    async for _ in RetryPolicy(timeout=0.01):
        break
    async for attempt in RetryPolicy(timeout=0.01):
        async with attempt:
            break
    async for attempt in RetryPolicy(timeout=0.01):
        async with attempt:
            pass
        await anyio.sleep(0.02)  # no scope is open here
        break


@pytest.mark.virtual_time
async def test_a_cancellation_ends_the_loop() -> None:
    numbers = list[int]()

    with anyio.move_on_after(0.01) as scope:
        async for attempt in RetryPolicy(timeout=60):
            async with attempt:
                numbers.append(attempt.number)
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert numbers == [1]


async def test_a_block_that_does_not_fail_earns_for_the_budget() -> None:
    budget = RetryBudget(2, per_success=0.5)

    async for attempt in RetryPolicy(budget=budget):
        async with attempt:
            if attempt.number == 1:
                raise ConnectionError
    assert budget.tokens == 1.5


async def test_an_attempt_that_is_not_entered_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"^attempt 1 was not entered; use 'async with attempt:'"):
        async for _ in RetryPolicy():
            pass


async def test_an_attempt_is_entered_once() -> None:
    async for attempt in RetryPolicy():
        async with attempt:
            pass
        with pytest.raises(RuntimeError, match=r"^attempt 1 was entered before; an attempt is entered"):
            async with attempt:
                pass
    assert repr(attempt) == "<RetryAttempt 1>"


@pytest.mark.virtual_time
async def test_an_error_beside_the_time_out_does_not_end_the_loop() -> None:
    numbers = list[int]()

    async for attempt in RetryPolicy(attempts=2, timeout=0.01):
        async with attempt:
            numbers.append(attempt.number)
            if attempt.number == 1:
                try:
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class() as cancellation:
                    raise BaseExceptionGroup("both", [cancellation, ValueError("in cleanup")]) from None
    assert numbers == [1, 2]


@pytest.mark.virtual_time
async def test_an_error_beside_the_last_time_out_leaves_the_loop_as_that_or_as_a_time_out() -> None:
    with pytest.raises((TimeoutError, ExceptionGroup)):
        async for attempt in RetryPolicy(attempts=1, timeout=0.01):
            async with attempt:
                try:
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class() as cancellation:
                    raise BaseExceptionGroup("both", [cancellation, ValueError("in cleanup")]) from None


async def test_the_block_may_be_bound_by_the_total_time_limit_alone(failing: Any) -> None:
    calls = failing(1)

    async for attempt in RetryPolicy(total_timeout=60):
        async with attempt:
            await calls()
    assert len(calls.calls) == 2
