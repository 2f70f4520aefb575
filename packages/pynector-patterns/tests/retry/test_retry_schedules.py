"""A cancellation is never retried, wherever it strikes."""

from contextlib import suppress

import anyio
import pytest

from pynector.concurrency.patterns import RetryPolicy
from pynector.concurrency.testing import cancel_everywhere

backends = ["asyncio", "trio"]


@pytest.mark.parametrize("backend", backends)
def test_a_call_that_was_cancelled_is_over(backend: str) -> None:
    cancel_everywhere(calls_that_fail_and_time_out, orders=2, backend=backend).check()


def test_also_when_scope_and_task_are_cancelled_in_one_tick() -> None:
    cancel_everywhere(calls_that_fail_and_time_out, faults=["both", "twice"]).check()


async def calls_that_fail_and_time_out() -> None:
    """Each attempt ends before the next begins, and none begins after a cancellation."""
    policy = RetryPolicy(attempts=3, timeout=2, backoff=1, jitter=0, before_sleep=None)
    running = 0

    async def fetch(seconds: float) -> None:
        nonlocal running
        assert running == 0
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

    async with anyio.create_task_group() as tg:
        tg.start_soon(call)
        tg.start_soon(loop)
    assert running == 0
