"""Scenarios of retries, hedged calls and the circuit breaker: what must hold when the call is over."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio

from pynector.concurrency.patterns import CircuitBreaker, CircuitOpenError, RetryPolicy, hedge
from pynector.concurrency.task import create_task_group


async def _apart(func: Callable[..., Coroutine[Any, Any, None]], *args: float) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func, *args)


async def no_attempt_after_a_cancellation() -> None:
    policy = RetryPolicy(attempts=3, timeout=2, backoff=1, jitter=0, before_sleep=None)
    running = 0

    async def fetch(seconds: float) -> None:
        nonlocal running
        assert running == 0, "two attempts at once"
        running += 1
        try:
            await anyio.sleep(seconds)
            raise ConnectionError
        finally:
            running -= 1

    async def call() -> None:
        with suppress(ConnectionError, TimeoutError):
            await policy(fetch, 1)
        with suppress(ConnectionError, TimeoutError):
            await policy(fetch, 3)

    async def loop() -> None:
        with suppress(TimeoutError):
            async for attempt in policy:
                async with attempt:
                    await anyio.sleep(3)

    async with create_task_group() as tg:
        tg.start_soon(_apart, call)
        tg.start_soon(_apart, loop)
    assert running == 0


async def no_hedged_attempt_outlives_the_call() -> None:
    async def call(*seconds: float) -> None:
        left, running, began = list(seconds), 0, 0

        async def fetch() -> float:
            nonlocal running, began
            running, began = running + 1, began + 1
            took = left.pop(0)
            try:
                await anyio.sleep(abs(took))
            finally:
                running -= 1
            if took < 0:
                raise ConnectionError
            return took

        try:
            with suppress(ConnectionError, anyio.TaskCancelled):
                assert await hedge(fetch, delay=1, max_attempts=3) in seconds
        finally:
            assert running == 0, "an attempt outlives the call"
            assert began <= 3

    async with create_task_group() as tg:
        tg.start_soon(_apart, call, 5, 1, 5)
        tg.start_soon(_apart, call, -1, 2, 1)
        tg.start_soon(_apart, call, -1, -1, -1)


async def circuit_can_be_closed_again() -> None:
    breaker = CircuitBreaker(threshold=1, cool_down=10)
    running = 0

    async def fail() -> None:
        raise ConnectionError

    async def probe() -> None:
        nonlocal running
        running += 1
        assert running == 1, "two probes at once"
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
        with suppress(CircuitOpenError):
            async with breaker:
                await probe()

    with suppress(ConnectionError):
        await breaker(fail)
    async with create_task_group() as tg:
        tg.start_soon(_apart, call)
        tg.start_soon(_apart, block)
    await anyio.sleep(10)
    await breaker(anyio.sleep, 0)
    assert breaker.state == "closed", "the place of a probe was lost"


SCENARIOS = (
    no_attempt_after_a_cancellation,
    no_hedged_attempt_outlives_the_call,
    circuit_can_be_closed_again,
)
