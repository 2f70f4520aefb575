"""When a policy tries again."""

import math
from random import Random
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import CircuitOpenError, FailedAttempt, RetryPolicy, retry_pauses_off

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def test_the_pause_doubles_up_to_the_longest(failing: Any) -> None:
    calls = failing(6)

    await RetryPolicy(attempts=7, backoff=1, max_backoff=10, jitter=0)(calls)
    assert calls.pauses == [1, 2, 4, 8, 10, 10]


async def test_all_of_a_pause_is_left_to_chance_by_default(failing: Any) -> None:
    calls = failing(200)

    await RetryPolicy(attempts=None, backoff=1, max_backoff=1, before_sleep=None)(calls)
    assert 0 < min(calls.pauses) < 0.1
    assert 0.9 < max(calls.pauses) <= 1


async def test_jitter_is_the_share_that_is_left_to_chance(failing: Any) -> None:
    calls = failing(200)

    await RetryPolicy(attempts=None, backoff=1, max_backoff=1, jitter=0.25, before_sleep=None)(calls)
    assert 0.75 <= min(calls.pauses) < 0.8
    assert 0.9 < max(calls.pauses) <= 1


async def test_a_first_pause_longer_than_the_default_maximum_needs_no_other_option(failing: Any) -> None:
    calls = failing(3)

    await RetryPolicy(attempts=4, backoff=60, jitter=0, before_sleep=None)(calls)
    assert calls.pauses == [60, 60, 60]


async def test_pauses_are_the_same_again_from_the_same_chance(failing: Any) -> None:
    pauses = []
    for _ in range(2):
        calls = failing(5)
        await RetryPolicy(attempts=None, random=Random(1), before_sleep=None)(calls)
        pauses.append(calls.pauses)

    assert pauses[0] == pytest.approx(pauses[1])


async def test_a_predicate_may_give_the_seconds_to_pause(failing: Any) -> None:
    calls = failing(2)

    await RetryPolicy(retry_on=lambda error: 60.0 if "1" in str(error) else 0)(calls)
    assert calls.pauses == [60, 0]


async def test_each_attempt_has_its_own_time_limit(service: Any) -> None:
    calls = service("slow", "slow", "answer")

    assert await RetryPolicy(timeout=5, backoff=0)(calls) == "answer"
    assert calls.pauses == [5, 5]


async def test_an_attempt_that_ran_out_of_time_is_tried_again_whatever_retry_on_says(service: Any) -> None:
    policy = RetryPolicy(timeout=5, retry_on=lambda _: False)

    assert await policy(service("slow", "answer")) == "answer"


async def test_the_total_time_limit_interrupts_an_attempt(service: Any) -> None:
    calls = service("slow", "slow", "slow")
    started = anyio.current_time()

    with pytest.raises(TimeoutError) as caught:
        await RetryPolicy(timeout=4, total_timeout=12, backoff=1, jitter=0)(calls)
    assert str(caught.value) == "no answer within 12 s in all (3 attempts, 12.00 s)"
    assert anyio.current_time() - started == 12
    assert calls.pauses == [4 + 1, 4 + 2]


async def test_without_a_limit_for_each_the_total_time_limit_bounds_the_first_attempt(service: Any) -> None:
    with pytest.raises(TimeoutError, match=r"^no answer within 10 s in all \(1 attempt, 10\.00 s\)$"):
        await RetryPolicy(total_timeout=10)(service("slow"))


@pytest.mark.parametrize(
    "limits", [{"timeout": math.inf}, {"total_timeout": math.inf}, {"timeout": 5, "total_timeout": math.inf}]
)
async def test_an_infinite_limit_is_none(limits: dict[str, float], failing: Any) -> None:
    told: list[FailedAttempt] = []
    policy = RetryPolicy(attempts=3, backoff=2, jitter=0, before_sleep=told.append, **limits)  # type: ignore[arg-type]

    assert await policy(failing(2)) == "answer"
    assert [failed.seconds for failed in told] == [0, 2]
    with pytest.raises(ConnectionError) as caught:
        await policy(failing(3))
    assert caught.value.__notes__[0] == "gave up after 3 attempts, 6.00 s"


async def test_no_pause_is_begun_that_cannot_end_before_the_deadline(failing: Any) -> None:
    calls = failing(5)
    started = anyio.current_time()

    with pytest.raises(ConnectionError, match="failure 3") as caught, anyio.fail_after(10):
        await RetryPolicy(attempts=9, backoff=2, jitter=0)(calls)
    assert anyio.current_time() - started == 6  # 2 + 4, and 8 more would be 14
    assert caught.value.__notes__[0] == (
        "gave up after 3 attempts, 6.00 s; a pause of 8.00 s would not end before the deadline"
    )


async def test_nor_before_the_total_time_limit(failing: Any) -> None:
    with pytest.raises(ConnectionError, match="failure 2"):
        await RetryPolicy(attempts=9, total_timeout=5, backoff=2, jitter=0)(failing(5))


async def test_the_last_time_out_is_caused_by_the_last_error_of_another_kind(service: Any) -> None:
    error = ConnectionError("refused")

    with pytest.raises(TimeoutError) as caught:
        await RetryPolicy(timeout=5)(service(error, "slow", "slow"))
    assert caught.value.__cause__ is error


async def test_an_open_circuit_is_not_tried_before_it_may_close(service: Any) -> None:
    calls = service(CircuitOpenError("open", 30.0), "answer")

    await RetryPolicy(backoff=0.1)(calls)
    assert calls.pauses == [30]


async def test_a_cancellation_during_a_pause_ends_it(failing: Any) -> None:
    calls = failing(2)

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(RetryPolicy(backoff=10, jitter=0), calls)
            await anyio.sleep(5)
            scope.cancel()
    assert len(calls.calls) == 1


async def test_without_pauses_there_is_still_a_checkpoint(failing: Any) -> None:
    calls = failing(5)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            await anyio.lowlevel.checkpoint()
            others += 1

    with retry_pauses_off():
        async with anyio.create_task_group() as tg:
            tg.start_soon(other)
            await RetryPolicy(attempts=6, backoff=10)(calls)
            tg.cancel_scope.cancel()
    assert calls.pauses == [0] * 5
    assert others >= 1


async def test_pauses_are_back_when_the_last_block_is_left(failing: Any) -> None:
    calls = failing(1)

    with retry_pauses_off(), retry_pauses_off():
        pass
    await RetryPolicy(backoff=3, jitter=0)(calls)
    assert calls.pauses == [3]


async def test_no_limit_of_attempts(failing: Any) -> None:
    policy = RetryPolicy(attempts=None, backoff=1, max_backoff=math.inf, jitter=0, before_sleep=None)
    calls = failing(40)

    assert await policy(calls) == "answer"
    assert calls.pauses[-1] == 2.0**39
