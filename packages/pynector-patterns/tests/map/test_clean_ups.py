"""The error of a call's clean-up is raised, also when it comes of the caller's cancellation."""

from collections.abc import Awaitable, Callable, Iterator

import anyio
import pytest

from pynector.concurrency.patterns import RetryPolicy, concurrent_map, hedge, parallel_requests
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def rollback(*_: object) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        raise ValueError("rollback failed")


async def requests() -> None:
    await parallel_requests([1, 2], rollback)


async def mapped() -> None:
    async with concurrent_map(rollback, [1, 2], max_concurrency=2) as results:
        async for _ in results:
            pass


async def left_early() -> None:
    async with concurrent_map(rollback, [1], max_concurrency=1):
        await anyio.sleep_forever()


async def hedged() -> None:
    await hedge(rollback, delay=3600)


async def retried() -> None:
    await RetryPolicy(attempts=5, retry_on=ValueError)(rollback)


@pytest.mark.parametrize("call", [requests, mapped, left_early, hedged, retried])
async def test_the_error_comes_first_and_the_cancellation_at_the_next_checkpoint(
    call: Callable[[], Awaitable[None]],
) -> None:
    scope, caught = anyio.CancelScope(), list[Exception]()

    async def cancelled() -> None:
        with scope:
            try:
                await call()
            except ValueError as error:
                caught.append(error)
                await anyio.sleep_forever()

    async with anyio.create_task_group() as tg:
        tg.start_soon(cancelled)
        await wait_until_blocked()
        scope.cancel()

    assert [str(error) for error in caught] == ["rollback failed"]
    assert scope.cancelled_caught


@pytest.mark.on("asyncio")
@pytest.mark.parametrize("call", [requests, mapped, hedged, retried])
async def test_it_does_so_where_the_task_is_cancelled_natively(call: Callable[[], Awaitable[None]]) -> None:
    import asyncio

    task = asyncio.ensure_future(call())  # type: ignore[arg-type]
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(ValueError, match="rollback failed"):
        await task


async def test_errors_after_the_first_are_noted_in_it() -> None:
    async def fail(number: int) -> None:
        if number == 0:
            await wait_until_blocked()
            raise KeyError("first")
        await rollback()

    with pytest.raises(KeyError) as caught:
        await parallel_requests(range(6), fail)

    assert caught.value.__notes__ == [
        *["another item failed, too: ValueError: rollback failed"] * 3,
        "2 more items failed, too",
    ]


async def test_an_attempt_that_fails_to_clean_up_after_another_has_won_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = iter([rollback, anyio.sleep])

    async def fetch() -> str:
        await next(attempts)(0)
        return "answer"

    assert await hedge(fetch, delay=0) == "answer"

    (record,) = caplog.records
    assert "failed to clean up: ValueError: rollback failed" in record.getMessage()


async def test_a_plain_generator_is_closed_after_a_failure() -> None:
    closed = False

    def numbers() -> Iterator[int]:
        nonlocal closed
        try:
            yield from range(10)
        finally:
            closed = True

    async def fail(_: int) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await parallel_requests(numbers(), fail, 1)
    assert closed


def closing_badly() -> Iterator[int]:
    try:
        yield from range(10)
    finally:
        raise KeyError("closing")


async def test_an_input_that_fails_as_it_is_closed_replaces_no_error_of_an_item() -> None:
    async def fail(_: int) -> None:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first") as caught:
        await parallel_requests(closing_badly(), fail, 1)
    assert caught.value.__notes__ == ["closing the input failed, too: KeyError: 'closing'"]

    with pytest.raises(ValueError, match="first"):
        async with concurrent_map(fail, closing_badly(), max_concurrency=1) as results:
            await anext(results)


async def test_without_another_error_that_of_closing_the_input_is_raised() -> None:
    with pytest.raises(KeyError, match="closing"):
        async with concurrent_map(anyio.sleep, closing_badly(), max_concurrency=1):
            pass
