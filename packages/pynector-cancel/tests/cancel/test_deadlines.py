"""Deadlines are Unix time, translated to the event loop's clock once."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.cancel import CancelScope, current_effective_deadline, fail_at, move_on_at

on_every_backend = pytest.mark.anyio
MAKERS = [
    pytest.param(lambda deadline: CancelScope(deadline=deadline), id="CancelScope"),
    pytest.param(move_on_at, id="move_on_at"),
    pytest.param(fail_at, id="fail_at"),
]
Maker = Callable[[Any], CancelScope]


@on_every_backend
async def test_a_deadline_is_unix_time() -> None:
    began = time.monotonic()

    with CancelScope(deadline=time.time() + 0.02) as scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert 0.015 < time.monotonic() - began < 2


@on_every_backend
async def test_a_deadline_may_be_a_datetime_with_a_time_zone() -> None:
    deadline = datetime.now(UTC) + timedelta(milliseconds=10)

    with CancelScope(deadline=deadline) as scope:
        assert scope.deadline == deadline.timestamp()
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
@pytest.mark.parametrize("never", [None, math.inf])
async def test_none_and_infinity_mean_never(never: float | None) -> None:
    with CancelScope(deadline=never) as scope:
        await anyio.lowlevel.checkpoint()
        assert scope.deadline == math.inf
        assert current_effective_deadline() == math.inf

    assert not scope.cancel_called


@on_every_backend
async def test_minus_infinity_means_at_once() -> None:
    with CancelScope(deadline=-math.inf) as scope:
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert scope.cancelled_caught


@on_every_backend
async def test_a_deadline_that_has_passed_cancels_at_the_first_checkpoint() -> None:
    with CancelScope(deadline=time.time() - 1) as scope:
        reached = True
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert reached
    assert scope.cancelled_caught


@on_every_backend
async def test_a_jump_of_the_wall_clock_in_the_block_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()

    with CancelScope(deadline=now + 50):
        for jump in (3600, -3600):
            monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
            await anyio.lowlevel.checkpoint()
            left = anyio.current_effective_deadline() - anyio.current_time()
            assert left == pytest.approx(50, abs=5)


@on_every_backend
async def test_the_deadline_may_be_set_in_the_block() -> None:
    with CancelScope() as scope:
        scope.deadline = time.time() + 0.01
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
async def test_the_deadline_may_be_taken_away_in_the_block() -> None:
    with CancelScope(deadline=time.time() + 0.05) as scope:
        scope.deadline = None
        await anyio.sleep(0.06)

    assert not scope.cancel_called
    assert scope.deadline == math.inf


@on_every_backend
async def test_the_deadline_may_be_set_before_the_block() -> None:
    scope = CancelScope()
    scope.deadline = deadline = time.time() + 0.01
    assert scope.deadline == deadline

    with scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@on_every_backend
async def test_the_effective_deadline_is_the_nearest_of_all_scopes_around() -> None:
    now = time.time()

    with CancelScope(deadline=now + 50), CancelScope(deadline=now + 70):
        assert current_effective_deadline() == pytest.approx(now + 50, abs=0.5)
        with anyio.move_on_after(20):  # noqa: ASYNC100
            assert current_effective_deadline() == pytest.approx(now + 20, abs=0.5)
        with CancelScope(deadline=now + 90, shield=True):
            assert current_effective_deadline() == pytest.approx(now + 90, abs=0.5)


@on_every_backend
async def test_the_effective_deadline_is_minus_infinity_where_a_scope_is_cancelled() -> None:
    with CancelScope(deadline=time.time() + 50) as scope:
        scope.cancel()
        assert current_effective_deadline() == -math.inf


def test_the_effective_deadline_outside_an_event_loop_is_refused() -> None:
    with pytest.raises(anyio.NoEventLoopError):
        current_effective_deadline()


@pytest.mark.parametrize("make", MAKERS)
def test_a_time_of_the_loop_s_clock_is_refused_and_named(make: Maker) -> None:
    with pytest.raises(ValueError, match="deadline must be Unix time") as refusal:
        make(12345.6)

    assert str(refusal.value) == (
        "deadline must be Unix time, as time.time() gives it, not 12345.6; this looks like the"
        " event loop's clock: use move_on_after() or fail_after() for a time relative to now"
    )


@pytest.mark.parametrize("make", MAKERS)
def test_a_datetime_without_a_time_zone_is_refused(make: Maker) -> None:
    with pytest.raises(ValueError, match="deadline must be a datetime with a time zone, not datetime"):
        make(datetime(2030, 1, 1))


@pytest.mark.parametrize("make", MAKERS)
def test_nan_is_refused(make: Maker) -> None:
    with pytest.raises(ValueError, match=r"^deadline must not be NaN$"):
        make(math.nan)


@pytest.mark.parametrize("wrong", ["tomorrow", True, timedelta(1), 1j])
@pytest.mark.parametrize("make", MAKERS)
def test_what_is_no_time_is_refused(make: Maker, wrong: object) -> None:
    with pytest.raises(TypeError) as refusal:
        make(wrong)

    assert str(refusal.value) == f"deadline must be a number of seconds, not {wrong!r}"


@pytest.mark.parametrize("wrong", [math.nan, 5.0, datetime(2030, 1, 1)])
def test_setting_a_wrong_deadline_is_refused_and_changes_nothing(wrong: Any) -> None:
    scope = CancelScope(deadline=2e9)

    with pytest.raises(ValueError, match="deadline must"):
        scope.deadline = wrong

    assert scope.deadline == 2e9
