"""What retries cost where the first attempt succeeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import stamina
import tenacity
from harness import Row, Table, Work

from pynector.concurrency.patterns import RetryPolicy, retry_with_timeout

TIMES = 2000
policy = RetryPolicy(attempts=3, timeout=5.0)


async def answer() -> int:
    return 42


async def loop_with_fail_after() -> int:
    for attempt in range(3):
        try:
            with anyio.fail_after(5.0):
                return await answer()
        except Exception:
            if attempt == 2:
                raise
            await anyio.sleep(0.1)
    raise AssertionError


async def tenacity_loop() -> int:
    async for attempt in tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3)):
        with attempt:
            return await answer()
    raise AssertionError


async def stamina_call() -> int:
    return await stamina.AsyncRetryingCaller(attempts=3, timeout=None)(ValueError, answer)


@stamina.retry(on=ValueError, attempts=3, timeout=None)
async def stamina_decorated() -> int:
    return 42


@tenacity.retry(stop=tenacity.stop_after_attempt(3))
async def tenacity_decorated() -> int:
    return 42


def call(func: Callable[[], Awaitable[object]]) -> Callable[[], Work]:
    """Await a call, so many times."""

    def prepare() -> Work:
        async def work() -> None:
            for _ in range(TIMES):
                await func()

        return work

    return prepare


EACH = "a time limit for each attempt"
NONE = "no time limit for an attempt"
BARS = {
    "loop with anyio.fail_after": 1.1,
    "stamina, decorated": 0.35,
    "stamina, called": 0.35,
    "tenacity, decorated": 0.25,
    "tenacity, as a loop": 0.25,
}

TABLES = [
    Table(
        "Retry: one call that succeeds at once",
        TIMES,
        [
            Row(
                "pynector retry_with_timeout",
                call(partial(retry_with_timeout, answer, max_retries=3, timeout=5.0)),
                EACH,
            ),
            Row(
                "pynector retry_with_timeout, retry_on",
                call(partial(retry_with_timeout, answer, max_retries=3, timeout=5.0, retry_on=ValueError)),
                EACH,
            ),
            Row("pynector RetryPolicy", call(partial(policy, answer)), EACH),
            Row("loop with anyio.fail_after", call(loop_with_fail_after), EACH),
            Row("stamina, decorated", call(stamina_decorated), NONE),
            Row("stamina, called", call(stamina_call), NONE),
            Row("tenacity, decorated", call(tenacity_decorated), NONE),
            Row("tenacity, as a loop", call(tenacity_loop), NONE),
            Row("limit: the call alone", call(answer), "no time limit, no retry"),
        ],
        BARS,
        BARS,
    )
]
