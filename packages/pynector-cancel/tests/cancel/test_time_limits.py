"""move_on_* leave their block when the time is up, fail_* raise TimeoutError."""

import math
import time
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.cancel import CancelScope, fail_after, fail_at, move_on_after, move_on_at

on_every_backend = pytest.mark.anyio
RELATIVE = [move_on_after, fail_after]
ALL = [move_on_after, fail_after, move_on_at, fail_at]


@on_every_backend
async def test_move_on_after_leaves_its_block() -> None:
    with move_on_after(0.01) as scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
async def test_move_on_at_leaves_its_block() -> None:
    with move_on_at(time.time() + 0.01) as scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
async def test_fail_after_raises_timeout_error_that_tells_the_limit() -> None:
    with pytest.raises(TimeoutError) as timeout, fail_after(0.01):
        await anyio.sleep_forever()

    assert str(timeout.value) == "not done within 0.01 s"
    assert isinstance(timeout.value.__cause__, anyio.get_cancelled_exc_class())


@on_every_backend
async def test_fail_at_raises_timeout_error_that_tells_the_deadline() -> None:
    with pytest.raises(TimeoutError, match=r"^not done by 20\d\d-.*\+00:00$"), fail_at(time.time() + 0.01):
        await anyio.sleep_forever()


@on_every_backend
@pytest.mark.parametrize("deadline", [-math.inf, 1e18])
async def test_a_deadline_that_is_no_date_is_not_told(deadline: float) -> None:
    with pytest.raises(TimeoutError, match=r"^not done in time$"), fail_at(-math.inf) as scope:
        try:
            await anyio.sleep_forever()
        finally:
            scope.deadline = deadline


@on_every_backend
@pytest.mark.parametrize(
    "make", [lambda: fail_after(0, reason="too slow"), lambda: fail_at(-math.inf, reason="too slow")]
)
async def test_a_reason_of_ones_own_is_the_message(make: Callable[[], CancelScope]) -> None:
    with pytest.raises(TimeoutError, match=r"^too slow$"), make():
        await anyio.sleep_forever()


@on_every_backend
@pytest.mark.parametrize("make", RELATIVE)
async def test_a_relative_limit_counts_from_entering_the_block(make: Callable[..., CancelScope]) -> None:
    scope = make(0.05)
    assert scope.deadline == math.inf
    await anyio.sleep(0.06)

    with scope:
        assert not scope.cancel_called  # as it would be, had it counted from the call
        assert scope.deadline == pytest.approx(time.time() + 0.05, abs=0.04)


@on_every_backend
@pytest.mark.parametrize("make", ALL)
async def test_none_means_no_limit_and_no_shield(make: Callable[..., CancelScope]) -> None:
    with CancelScope() as outer:
        with make(None) as scope:
            assert scope.deadline == math.inf
            assert not scope.shield
            outer.cancel()
            await anyio.lowlevel.checkpoint()
            pytest.fail("not cancelled")

    assert outer.cancelled_caught


@on_every_backend
@pytest.mark.parametrize("delay", [0, -1, -math.inf])
async def test_zero_or_less_cancels_at_the_first_checkpoint(delay: float) -> None:
    with move_on_after(delay) as scope:
        reached = True
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert reached
    assert scope.cancelled_caught


@on_every_backend
@pytest.mark.parametrize("make", ALL)
async def test_a_limit_may_be_a_shield_at_the_same_time(make: Callable[..., CancelScope]) -> None:
    with CancelScope() as outer:
        outer.cancel()
        with make(None, shield=True) as scope:
            await anyio.lowlevel.checkpoint()
            reached = True

    assert reached
    assert scope.shield


@on_every_backend
async def test_a_shield_with_a_limit_ends_when_the_time_is_up() -> None:
    with CancelScope() as outer:
        outer.cancel()
        with move_on_after(0.01, shield=True) as scope:
            await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
async def test_fail_after_does_not_raise_if_the_block_ended_though_late() -> None:
    with fail_after(0.001) as scope:
        time.sleep(0.005)  # noqa: ASYNC251  # the block is not interrupted, since it has no checkpoint

    assert not scope.cancelled_caught


@on_every_backend
async def test_fail_after_does_not_raise_if_it_was_cancelled_by_a_call() -> None:
    with fail_after(5) as scope:
        scope.cancel()
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught


@on_every_backend
async def test_fail_after_does_not_raise_for_a_call_though_the_deadline_passed_since() -> None:
    with fail_after(0.05) as scope:
        scope.cancel()
        time.sleep(0.06)  # noqa: ASYNC251  # the deadline passes after the cancellation
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught


@on_every_backend
async def test_fail_after_does_not_raise_for_a_scope_around() -> None:
    with CancelScope() as outer, fail_after(5):
        outer.cancel()
        await anyio.lowlevel.checkpoint()

    assert outer.cancelled_caught


@on_every_backend
async def test_fail_after_does_not_raise_for_a_scope_inside() -> None:
    with fail_after(5) as scope:
        with move_on_after(0.001):
            await anyio.sleep_forever()

    assert not scope.cancel_called


@on_every_backend
async def test_an_error_of_the_block_after_the_deadline_goes_on() -> None:
    with pytest.raises(ValueError, match="clean-up failed"), fail_after(0.001):
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("clean-up failed")


@on_every_backend
async def test_a_timeout_error_of_the_block_is_its_own() -> None:
    with pytest.raises(TimeoutError, match="of the block"), fail_after(5):
        raise TimeoutError("of the block")


@on_every_backend
async def test_nested_limits_the_inner_one_fails_and_the_outer_does_not() -> None:
    with move_on_after(5) as outer:
        with pytest.raises(TimeoutError):
            with fail_after(0.001):
                await anyio.sleep_forever()

    assert not outer.cancel_called


@on_every_backend
async def test_nested_limits_the_outer_one_leaves_both() -> None:
    with move_on_after(0.001) as outer:
        with fail_after(5):
            await anyio.sleep_forever()

    assert outer.cancelled_caught


@on_every_backend
async def test_the_limit_of_a_block_may_be_extended() -> None:
    with fail_after(0.05) as scope:
        scope.deadline = time.time() + 5
        await anyio.sleep(0.06)

    assert not scope.cancel_called


@pytest.mark.parametrize("make", RELATIVE)
@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (math.nan, ValueError, "delay must not be NaN"),
        ("1", TypeError, "delay must be a number of seconds, not '1'"),
        (True, TypeError, "delay must be a number of seconds, not True"),
    ],
)
def test_a_wrong_delay_is_refused(make: Any, wrong: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as refusal:
        make(wrong)

    assert str(refusal.value) == text


@pytest.mark.parametrize("make", ALL)
def test_a_limit_may_be_made_where_no_event_loop_runs(make: Callable[..., CancelScope]) -> None:
    assert not make(None).cancel_called
