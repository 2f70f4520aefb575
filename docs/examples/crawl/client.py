"""A patient client of one web site."""

from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio
import h11

from pynector.concurrency.patterns import ConnectionPool, FailedAttempt, PoolError, PoolWatch, RetryPolicy
from pynector.concurrency.primitives import RateLimiter
from pynector.concurrency.task.lowlevel import current_time

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
    """Fetches pages of one site over a few connections that stay open.

    Args:
        origin: The site's address.
        connections: The most that are open at a time.
        timeout: Seconds for each attempt to get a page, the wait for a free connection included.
        rate: The most requests in a second; None: no limit.
        report: Is told of each attempt.
    """

    def __init__(
        self, origin: str, *, connections: int, timeout: float, rate: float | None, report: Report
    ) -> None:
        self._origin = origin
        self._report = report
        self._rate = None if rate is None else RateLimiter(rate, burst=connections)
        self._pool = ConnectionPool[Connection](
            max_connections=connections,
            connection_factory=self._connect,
            watch=PoolWatch(on_event=report.note),
        )
        self._policy = RetryPolicy(
            attempts=4, timeout=timeout, backoff=0.05, retry_on=is_passing, before_sleep=self._count
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def get(self, url: str) -> Response:
        """Fetch *url*, and again if need be.

        Raises:
            Exception: one of `FAILURES`, what came of the last attempt.
        """
        if self._rate is not None:
            await self._rate.acquire()
        parts = urlsplit(url)
        return await self._policy(self._attempt, f"{parts.path}?{parts.query}" if parts.query else parts.path)

    async def _attempt(self, target: str) -> Response:
        async with self._pool.acquire() as connection:
            began = current_time()
            response = await connection.get(target)
            self._report.seconds.append(current_time() - began)
            if not connection.is_reusable:
                await self._pool.discard(connection)
        if response.status in (429, 503):
            raise Busy(response)
        return response

    async def _connect(self) -> Connection:
        return await Connection.open(self._origin)

    def _count(self, failed: FailedAttempt) -> None:
        self._report.retries += 1
        if isinstance(failed.error, TimeoutError):
            self._report.timeouts += 1
