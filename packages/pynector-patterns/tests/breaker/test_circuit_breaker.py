"""Refusing calls to what fails too often."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import (
    CircuitBreaker,
    CircuitOpenError,
    CircuitStatistics,
    ConnectionPool,
    PoolFactoryError,
    RetryPolicy,
)
from pynector.concurrency.testing import cancel_everywhere, wait_until_blocked

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def answer() -> str:
    return "answer"


async def fail() -> str:
    raise ConnectionError("refused")


async def hang() -> str:
    await anyio.sleep_forever()
    return "never"


async def make_fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ConnectionError):
            await breaker(fail)


async def open_breaker(**options: Any) -> CircuitBreaker:
    breaker = CircuitBreaker(threshold=1, cool_down=10, **options)
    await make_fail(breaker, 1)
    assert breaker.state == "open"
    return breaker


async def test_a_closed_circuit_lets_calls_through() -> None:
    async def add(one: int, two: int) -> int:
        return one + two

    assert await CircuitBreaker()(add, 1, 2) == 3


async def test_it_opens_after_so_many_failures_and_refuses_calls() -> None:
    breaker = CircuitBreaker(threshold=3, cool_down=10, name="payments")

    await make_fail(breaker, 2)
    assert breaker.state == "closed"
    await make_fail(breaker, 1)
    with pytest.raises(CircuitOpenError) as caught:
        await breaker(answer)
    assert str(caught.value) == (
        "circuit 'payments' is open for another 10.00 s;"
        " 3 of 3 calls failed, the last with ConnectionError: refused"
    )
    assert caught.value.retry_after == 10
    assert repr(breaker) == "<CircuitBreaker 'payments' open>"


async def test_it_opens_only_if_that_is_a_large_enough_share_of_the_calls() -> None:
    breaker = CircuitBreaker(threshold=2, ratio=0.5)

    for _ in range(4):
        await breaker(answer)
    await make_fail(breaker, 3)
    assert breaker.state == "closed"
    await make_fail(breaker, 1)
    assert breaker.state == "open"


async def test_an_outcome_counts_no_longer_than_the_window() -> None:
    breaker = CircuitBreaker(threshold=2, window=30)

    await make_fail(breaker, 1)
    await anyio.sleep(30)
    await make_fail(breaker, 1)
    assert breaker.state == "closed"
    await anyio.sleep(26)
    await make_fail(breaker, 1)
    assert breaker.state == "open"


async def test_after_the_cool_down_a_call_that_succeeds_closes_it() -> None:
    breaker = await open_breaker()

    await anyio.sleep(10)
    assert await breaker(answer) == "answer"
    assert breaker.state == "closed"


async def test_after_the_cool_down_a_call_that_fails_opens_it_again() -> None:
    breaker = await open_breaker()

    await anyio.sleep(10)
    await make_fail(breaker, 1)
    with pytest.raises(CircuitOpenError, match=r"10\.00 s; the call that tried it failed with Conn"):
        await breaker(answer)


async def test_while_half_open_only_the_probes_are_let_through() -> None:
    breaker = await open_breaker(probes=2)
    await anyio.sleep(10)

    async with anyio.create_task_group() as tg:
        tg.start_soon(breaker, anyio.sleep, 1)
        await wait_until_blocked()
        assert await breaker(answer) == "answer"
        assert breaker.state == "half-open"
        with pytest.raises(CircuitOpenError, match="is half-open and being tried") as caught:
            await breaker(answer)
        assert caught.value.retry_after == 0
    assert breaker.state == "closed"


async def test_a_probe_that_is_cancelled_leaves_its_place_to_another() -> None:
    breaker = await open_breaker()
    await anyio.sleep(10)

    with anyio.move_on_after(1):
        await breaker(hang)
    assert breaker.state == "half-open"
    assert await breaker(answer) == "answer"
    assert breaker.state == "closed"


async def test_a_cancelled_call_counts_for_nothing() -> None:
    breaker = CircuitBreaker(threshold=1)

    with anyio.move_on_after(1):
        await breaker(hang)
    assert breaker.statistics() == CircuitStatistics("closed", calls=0, failures=0, refused=0)


async def test_a_call_that_began_before_a_change_counts_for_nothing() -> None:
    breaker = CircuitBreaker(threshold=1, cool_down=10)

    async def fail_late() -> None:
        await anyio.sleep(15)
        raise ConnectionError

    async def begin_late_failure() -> None:
        with pytest.raises(ConnectionError):
            await breaker(fail_late)

    async with anyio.create_task_group() as tg:
        tg.start_soon(begin_late_failure)
        await anyio.sleep(1)
        await make_fail(breaker, 1)
        await anyio.sleep(10)
        await breaker(answer)
    assert breaker.state == "closed"


async def test_its_time_limit_makes_a_failure_of_a_call_that_hangs() -> None:
    breaker = CircuitBreaker(threshold=1, timeout=5)

    with pytest.raises(TimeoutError, match=r"^no answer within 5 s$"):
        await breaker(hang)
    with pytest.raises(CircuitOpenError, match="the last with TimeoutError: no answer within 5 s"):
        await breaker(answer)


async def test_an_error_beside_the_time_out_is_a_failure_as_well() -> None:
    async def fail_in_cleanup() -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class() as cancellation:
            raise BaseExceptionGroup("both", [cancellation, ValueError("in cleanup")]) from None

    breaker = CircuitBreaker(threshold=1, timeout=5)
    with pytest.raises((TimeoutError, ExceptionGroup)):
        await breaker(fail_in_cleanup)
    assert breaker.state == "open"


async def test_a_success_that_began_before_a_change_counts_for_nothing() -> None:
    breaker = CircuitBreaker(threshold=1, cool_down=10)

    async with anyio.create_task_group() as tg:
        tg.start_soon(breaker, anyio.sleep, 15)
        await anyio.sleep(1)
        await make_fail(breaker, 1)
    assert breaker.state == "open"


async def test_errors_that_do_not_count_are_answers() -> None:
    async def find() -> None:
        raise LookupError

    for breaker in (
        CircuitBreaker(threshold=1, trip_on=ConnectionError),
        CircuitBreaker(threshold=1, trip_on=lambda error: isinstance(error, OSError)),
    ):
        with pytest.raises(LookupError):
            await breaker(find)
        assert breaker.statistics() == CircuitStatistics("closed", calls=1, failures=0, refused=0)


async def test_a_predicate_that_fails_does_not_keep_the_place_of_a_probe() -> None:
    def choose(error: Exception) -> bool:
        if isinstance(error, LookupError):
            raise ArithmeticError
        return True

    async def find() -> None:
        raise LookupError

    breaker = await open_breaker(trip_on=choose)
    await anyio.sleep(10)
    with pytest.raises(ArithmeticError):
        await breaker(find)
    assert await breaker(answer) == "answer"


async def test_it_may_be_entered_around_a_block() -> None:
    breaker = CircuitBreaker(threshold=2)

    with pytest.raises(ConnectionError):
        async with breaker:
            async with breaker:
                raise ConnectionError
    with pytest.raises(CircuitOpenError):
        async with breaker:
            pass


async def test_it_is_left_by_the_task_that_entered_it() -> None:
    breaker = CircuitBreaker()

    await breaker.__aenter__()
    async with anyio.create_task_group() as tg:

        async def leave() -> None:
            with pytest.raises(RuntimeError, match="is left by another task than the one that entered it"):
                await breaker.__aexit__(None, None, None)

        tg.start_soon(leave)


async def in_another_task(func: Any, *args: Any) -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(func, *args)


async def leave_in_vain(breaker: CircuitBreaker) -> None:
    with pytest.raises(RuntimeError, match="is left by another task than the one that entered it"):
        await breaker.__aexit__(None, None, None)


async def test_a_probe_that_is_left_by_another_task_leaves_its_place_to_another() -> None:
    breaker = await open_breaker(timeout=5)
    await anyio.sleep(10)
    await breaker.__aenter__()
    with pytest.raises(CircuitOpenError, match="half-open and being tried"):
        await breaker(answer)

    await in_another_task(leave_in_vain, breaker)
    assert await breaker(answer) == "answer"
    assert breaker.state == "closed"


async def test_a_time_limit_left_by_another_task_cancels_nothing() -> None:
    breaker = CircuitBreaker(timeout=1)
    await breaker.__aenter__()

    await in_another_task(leave_in_vain, breaker)
    await anyio.sleep(2)


async def test_a_block_of_another_task_goes_on_when_a_strange_one_is_left() -> None:
    breaker = CircuitBreaker(threshold=1, cool_down=10)
    await breaker.__aenter__()  # in a turn that is over when it is left
    await make_fail(breaker, 1)
    await anyio.sleep(10)

    async def probe() -> None:
        async with breaker:
            await anyio.sleep(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(probe)
        await wait_until_blocked()
        tg.start_soon(leave_in_vain, breaker)
    assert await breaker(answer) == "answer"


def test_an_async_generator_that_is_dropped_does_not_keep_the_place_of_a_probe() -> None:
    told: list[BaseException] = []
    breaker = CircuitBreaker(threshold=1, cool_down=0)

    async def rows() -> AsyncGenerator[int]:
        async with breaker:
            yield 1

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        await make_fail(breaker, 1)
        async for _ in rows():
            break
        for _ in range(2):  # the generator; then the task of asyncio's that ended it, and failed
            gc.collect()
            await anyio.sleep(0.01)
        assert await breaker(answer) == "answer"

    asyncio.run(main())
    assert "is left by another task" in str(told[0])


async def test_wrap_decorates_and_hands_keyword_arguments_on() -> None:
    breaker = CircuitBreaker(threshold=1)

    @breaker.wrap
    async def divide(dividend: int, *, divisor: int) -> float:
        """Divide."""
        return dividend / divisor

    assert await divide(6, divisor=3) == 2
    with pytest.raises(ZeroDivisionError):
        await divide(6, divisor=0)
    with pytest.raises(CircuitOpenError):
        await divide(6, divisor=3)
    assert (divide.__name__, divide.__doc__) == ("divide", "Divide.")


async def test_on_change_is_told_of_each_change() -> None:
    changes = list[tuple[str, str]]()
    breaker = await open_breaker(on_change=lambda old, new: changes.append((old, new)))

    await anyio.sleep(10)
    await breaker(answer)
    assert changes == [("closed", "open"), ("open", "half-open"), ("half-open", "closed")]


async def test_the_statistics_count_what_was_refused() -> None:
    breaker = await open_breaker()

    with pytest.raises(CircuitOpenError):
        await breaker(answer)
    assert breaker.statistics() == CircuitStatistics("open", calls=0, failures=0, refused=1)


async def test_the_statistics_leave_out_what_is_older_than_the_window() -> None:
    breaker = CircuitBreaker(window=30)
    await make_fail(breaker, 1)

    await anyio.sleep(29)
    assert breaker.statistics() == CircuitStatistics("closed", calls=1, failures=1, refused=0)
    await anyio.sleep(1)
    assert breaker.statistics() == CircuitStatistics("closed", calls=0, failures=0, refused=0)


def test_the_statistics_are_told_where_no_event_loop_runs() -> None:
    breaker = CircuitBreaker()
    anyio.run(make_fail, breaker, 2)

    assert breaker.statistics() == CircuitStatistics("closed", calls=2, failures=2, refused=0)


async def test_a_policy_waits_until_an_open_circuit_may_be_tried() -> None:
    breaker = await open_breaker()
    started = anyio.current_time()

    assert await RetryPolicy(before_sleep=None)(breaker, answer) == "answer"
    assert anyio.current_time() - started == 10


async def test_a_policy_gives_up_where_an_open_circuit_is_not_to_be_retried() -> None:
    breaker = await open_breaker()

    with pytest.raises(CircuitOpenError):
        await RetryPolicy(retry_on=ConnectionError)(breaker, answer)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threshold": 0}, ValueError, "threshold must be >= 1, not 0"),
        ({"ratio": 2}, ValueError, "ratio must be from 0.0 to 1.0, not 2"),
        ({"window": -1}, ValueError, "window must be >= 0 seconds, not -1"),
        ({"cool_down": -1}, ValueError, "cool_down must be >= 0 seconds, not -1"),
        ({"probes": 0}, ValueError, "probes must be >= 1, not 0"),
        ({"timeout": -1}, ValueError, "timeout must be >= 0 seconds, not -1"),
        (
            {"trip_on": 1},
            TypeError,
            "trip_on must be a class of errors, several in a tuple, or a predicate, not 1",
        ),
        ({"on_change": 1}, TypeError, "on_change must be callable, not 1"),
    ],
)
async def test_wrong_options_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        CircuitBreaker(**options)
    assert str(caught.value) == message


async def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^func must be callable, not 1$"):
        await CircuitBreaker()(1)  # type: ignore[arg-type]


async def probes_of_an_open_circuit() -> None:
    """Whoever is cancelled, the circuit can be closed afterwards, and no more probes run than may."""
    breaker = await open_breaker()
    running = 0

    async def probe() -> None:
        nonlocal running
        running += 1
        assert running == 1
        try:
            await anyio.sleep(1)
        finally:
            running -= 1

    async def call() -> None:
        for _ in range(5):
            try:
                await breaker(probe)
                return
            except CircuitOpenError as error:
                await anyio.sleep(error.retry_after or 0.5)

    async def block() -> None:
        await anyio.sleep(10.25)
        try:
            async with breaker:
                await probe()
        except CircuitOpenError:
            pass

    async with anyio.create_task_group() as tg:
        tg.start_soon(call)
        tg.start_soon(block)
    await anyio.sleep(10)
    assert await breaker(answer) == "answer"
    assert breaker.state == "closed"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_place_of_a_probe_is_lost_wherever_it_is_cancelled(backend: str) -> None:
    cancel_everywhere(probes_of_an_open_circuit, orders=2, backend=backend).check()


async def test_a_function_that_is_not_async_is_named() -> None:
    def fetch() -> int:
        return 5

    with pytest.raises(
        TypeError, match=r"^func must be an async function: .*fetch\(\) gave 5, which cannot be awaited$"
    ):
        await CircuitBreaker()(fetch)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["closed", "open"])
@pytest.mark.parametrize("form", ["call", "block"])
async def test_calls_that_never_wait_do_not_starve_others(state: str, form: str) -> None:
    breaker = CircuitBreaker() if state == "closed" else await open_breaker()

    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(64):
            with suppress(CircuitOpenError):
                if form == "call":
                    await breaker(answer)
                else:
                    async with breaker:
                        pass
    assert scope.cancelled_caught


def test_what_has_no_name_is_shown_without_one() -> None:
    assert repr(CircuitBreaker()) == "<CircuitBreaker closed>"


async def test_what_a_pool_s_factory_raised_counts_for_those_who_waited_too() -> None:
    breaker = CircuitBreaker(threshold=1, trip_on=ConnectionError)

    async def refuse() -> object:
        await anyio.sleep(1)
        raise ConnectionRefusedError("refused")

    async def use() -> None:
        async with pool.acquire():
            pass

    async with ConnectionPool(max_connections=1, connection_factory=refuse) as pool:
        async with anyio.create_task_group() as tg:
            tg.start_soon(suppressing, use)
            await anyio.sleep(0.5)
            with pytest.raises(PoolFactoryError):
                await breaker(use)
    assert breaker.state == "open"


async def suppressing(func: Any) -> None:
    with suppress(ConnectionRefusedError):
        await func()
