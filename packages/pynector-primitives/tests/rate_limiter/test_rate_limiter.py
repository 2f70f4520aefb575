"""The rate limiter."""

import math
import threading

import anyio
import pytest
from anyio import WouldBlock

from pynector.concurrency.primitives import RateLimiter
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def slow_limiter() -> RateLimiter:
    """A limiter whose next permit is due in an hour."""
    limiter = RateLimiter(1, per=3600)
    await limiter.acquire()
    return limiter


@pytest.mark.virtual_time
async def test_a_burst_is_taken_without_waiting() -> None:
    limiter = RateLimiter(1, per=3600, burst=3)

    with anyio.fail_after(5):
        for _ in range(3):
            await limiter.acquire()
    with pytest.raises(WouldBlock):
        limiter.acquire_nowait()


@pytest.mark.virtual_time
async def test_acquire_waits_until_a_permit_is_due() -> None:
    limiter = RateLimiter(100)
    started = anyio.current_time()

    for _ in range(4):
        await limiter.acquire()
    assert anyio.current_time() - started == pytest.approx(0.03)


async def test_acquire_is_a_checkpoint_even_when_a_permit_is_due() -> None:
    limiter = RateLimiter(1, per=3600)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await limiter.acquire()
    assert scope.cancelled_caught
    limiter.acquire_nowait()


async def test_async_with_takes_a_permit_and_gives_the_limiter() -> None:
    limiter = RateLimiter(1, per=3600)

    async with limiter as entered:
        assert entered is limiter
    with pytest.raises(WouldBlock):
        limiter.acquire_nowait()


@pytest.mark.virtual_time
async def test_a_permit_goes_to_the_first_who_waits() -> None:
    limiter = RateLimiter(200)
    order = list[int]()

    async def take(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    await limiter.acquire()
    async with anyio.create_task_group() as tg:
        for number in range(4):
            tg.start_soon(take, number)
            await wait_until_blocked()
    assert order == [0, 1, 2, 3]


async def test_nobody_overtakes_one_who_waits() -> None:
    limiter = await slow_limiter()

    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire)
        await wait_until_blocked()
        with pytest.raises(WouldBlock):
            limiter.acquire_nowait()
        tg.cancel_scope.cancel()


@pytest.mark.virtual_time
async def test_cancelled_while_waiting_takes_nothing_and_those_behind_move_up() -> None:
    limiter = RateLimiter(20)
    await limiter.acquire()
    started = anyio.current_time()

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(limiter.acquire)
        await wait_until_blocked()
        tg.cancel_scope.cancel()
    await limiter.acquire()
    assert anyio.current_time() - started == pytest.approx(0.05)  # the second permit, not the fifth


async def test_the_statistics_tell_who_waits() -> None:
    limiter = await slow_limiter()

    async with anyio.create_task_group() as tg:
        for name in "first", "second":
            tg.start_soon(limiter.acquire, name=name)
            await wait_until_blocked()
        statistics = limiter.statistics()
        assert statistics.tasks_waiting == 2
        assert [waiter.name for waiter in statistics.waiters] == ["first", "second"]
        assert repr(limiter) == "<RateLimiter 2 waiting>"
        tg.cancel_scope.cancel()
    assert limiter.statistics().tasks_waiting == 0


async def test_another_thread_is_refused_once_a_task_has_waited() -> None:
    limiter = await slow_limiter()
    errors = list[RuntimeError]()

    def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="RateLimiter: acquire") as caught:
            anyio.run(limiter.acquire)
        errors.append(caught.value)

    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire)
        await wait_until_blocked()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
        tg.cancel_scope.cancel()
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rate": 0}, ValueError, "rate must be a finite number > 0, not 0"),
        ({"rate": math.nan}, ValueError, "rate must be a finite number > 0, not nan"),
        ({"rate": "1"}, TypeError, "rate must be a number, not '1'"),
        ({"rate": 1, "per": -1.0}, ValueError, r"per must be a finite number > 0, not -1\.0"),
        (
            {"rate": 10**400},
            ValueError,
            "rate must be a number that a float can hold, not an int of 1329 bits",
        ),
        (
            {"rate": 1, "burst": 10**400},
            ValueError,
            "burst must be a number that a float can hold, not an int of 1329 bits",
        ),
        (
            {"rate": 1e-300, "per": 1e300, "burst": 2},
            ValueError,
            "per / rate must be a finite number of seconds > 0, not inf",
        ),
        (
            {"rate": 1e300, "per": 1e-300},
            ValueError,
            r"per / rate must be a finite number of seconds > 0, not 0\.0",
        ),
        (
            {"rate": 1e-300, "per": 1, "burst": 10**10},
            ValueError,
            r"burst \* per / rate must be a finite number of seconds, not inf",
        ),
        ({"rate": None}, TypeError, "rate must be a number, not None"),
        ({"rate": 1, "per": "1"}, TypeError, "per must be a number, not '1'"),
        ({"rate": 1, "per": math.inf}, ValueError, "per must be a finite number > 0, not inf"),
        ({"rate": 1, "burst": None}, TypeError, "burst must be an int, not None"),
        ({"rate": 1, "burst": math.inf}, TypeError, "burst must be an int, not inf"),
        ({"rate": 1, "burst": 0}, ValueError, "burst must be >= 1, not 0"),
        ({"rate": 1, "burst": 1.5}, TypeError, r"burst must be an int, not 1\.5"),
    ],
)
async def test_wrong_arguments_are_refused(
    arguments: dict[str, float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        RateLimiter(**arguments)  # type: ignore[arg-type]
