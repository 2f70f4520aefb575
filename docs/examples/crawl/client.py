"""A patient client of one web site."""

from urllib.parse import urlsplit

import anyio
import h11

from pynector.concurrency.patterns import ConnectionPool, FailedAttempt, PoolError, RetryPolicy
from pynector.concurrency.primitives import RateLimiter

from .connection import Connection, Response, TooLong
from .report import Report

MAX_PAUSE = 10.0


class Busy(Exception):
    """The server says that it cannot answer now."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"answers {response.status}")
        self.retry_after = response.headers.get("retry-after", "")


# What may be better a moment later: the network, a server that hung up, or one that is busy; and
# PoolError, which a request gets if it was another one that could not connect, while it waited.
PASSING = (OSError, anyio.BrokenResourceError, h11.RemoteProtocolError, PoolError, Busy)
FAILURES = (*PASSING, h11.LocalProtocolError, TooLong)


def is_passing(error: Exception) -> bool | float:
    """Whether a request is worth another attempt; a number: after so many seconds."""
    if isinstance(error, Busy) and error.retry_after.isdecimal():
        return min(float(error.retry_after), MAX_PAUSE)
    return isinstance(error, PASSING)


class Client:
    """Fetches pages of one site, patiently.

    Args:
        pool: Connections to the site.
        timeout: Seconds for each attempt to get a page, the wait for a free connection included.
        rate: The most attempts in a second; None: no limit.
        report: Is told of each attempt.
    """

    def __init__(
        self, pool: ConnectionPool[Connection], *, timeout: float, rate: float | None, report: Report
    ) -> None:
        self._pool = pool
        self._report = report
        self._rate = None if rate is None else RateLimiter(rate)
        self._policy = RetryPolicy(
            attempts=4, timeout=timeout, backoff=0.05, retry_on=is_passing, before_sleep=self._count
        )

    async def get(self, url: str) -> Response:
        """Fetch *url*, and again if need be.

        Raises:
            Exception: one of `FAILURES`, what came of the last attempt.
        """
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        async for attempt in self._policy:
            if self._rate is not None:
                await self._rate.acquire()  # its wait does not count as the server's
            async with attempt:
                return await self._ask(target)
        raise AssertionError("the last attempt gives an answer or raises")

    async def _ask(self, target: str) -> Response:
        async with self._pool.acquire() as connection:
            began = anyio.current_time()
            response = await connection.get(target)
            self._report.seconds.append(anyio.current_time() - began)
            if not connection.is_reusable:
                await self._pool.discard(connection)
        if response.status in (429, 503):
            raise Busy(response)
        return response

    def _count(self, failed: FailedAttempt) -> None:
        self._report.retries += 1
        if isinstance(failed.error, TimeoutError):
            self._report.timeouts += 1
