"""A web server on the loopback that drops, delays and answers 429, and a patient client of it."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from pynector.concurrency.patterns import ConnectionPool, RetryPolicy, parallel_requests
from pynector.concurrency.task import create_task_group

pytestmark = pytest.mark.anyio

BUSY_SECONDS = 0.05


class TooBusy(Exception):
    """The server answered 429, and when to come back."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"come back in {retry_after} s")
        self.retry_after = retry_after


class Server:
    """Misbehaves at the first request of each kind, and answers the next one."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.came_back: dict[str, float] = {}

    async def serve(self, *, task_status: TaskStatus[int]) -> None:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
            task_status.started(listener.extra(SocketAttribute.local_port))
            await listener.serve(self.converse)

    async def converse(self, stream: ByteStream) -> None:
        received = BufferedByteReceiveStream(stream)
        async with stream:
            try:
                while True:
                    request = await received.receive_until(b"\r\n\r\n", 10_000)
                    if not await self.answer(stream, request.split(b" ")[1].decode()):
                        return
            except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client is gone

    async def answer(self, stream: ByteStream, path: str) -> bool:
        self.requests[path] += 1
        first = self.requests[path] == 1
        if first and "drop" in path:
            return False
        if first and "slow" in path:
            await anyio.sleep_forever()
        if first and "busy" in path:
            self.came_back[path] = anyio.current_time()
            await stream.send(
                f"HTTP/1.1 429 Too Many\r\nRetry-After: {BUSY_SECONDS}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            return True
        if path in self.came_back:
            self.came_back[path] = anyio.current_time() - self.came_back[path]
        body = path.encode()
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return True


class Connection:
    """Asks one thing at a time."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.received = BufferedByteReceiveStream(stream)

    async def get(self, path: str) -> str:
        await self.stream.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = (await self.received.receive_until(b"\r\n\r\n", 10_000)).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        body = await self.received.receive_exactly(int(fields["Content-Length"]))
        if " 429 " in head:
            raise TooBusy(float(fields["Retry-After"]))
        return body.decode()

    async def aclose(self) -> None:
        await self.stream.aclose()


def worth_another_try(error: Exception) -> bool | float:
    if isinstance(error, TooBusy):
        return error.retry_after
    return isinstance(error, OSError | anyio.EndOfStream | anyio.IncompleteRead | anyio.BrokenResourceError)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[int]:
    async with create_task_group() as tg:
        yield await tg.start(server.serve)
        tg.cancel("the test is over")


async def test_every_page_comes_though_the_server_drops_delays_and_is_busy() -> None:
    server = Server()
    patiently = RetryPolicy(
        attempts=20, timeout=0.5, backoff=0.01, retry_on=worth_another_try, before_sleep=None
    )
    paths = [f"/{kind}/{number}" for number in range(5) for kind in ("good", "drop", "slow", "busy")]

    async with running(server) as port:

        async def connect() -> Connection:
            return Connection(await anyio.connect_tcp("127.0.0.1", port))

        async with ConnectionPool(max_connections=8, connection_factory=connect) as pool:

            async def get(path: str) -> str:
                async with pool.acquire() as connection:
                    return await connection.get(path)

            async def get_patiently(path: str) -> str:
                return await patiently(get, path)

            answers = await parallel_requests(paths, get_patiently, max_concurrency=20)

    assert answers == paths
    # At least: on a machine that is busy, any attempt may run out of its time.
    assert all(server.requests[path] >= (1 if "good" in path else 2) for path in paths)
    # A little less: uvloop's clock counts milliseconds, and not between the turns of the loop.
    assert all(pause >= BUSY_SECONDS - 0.01 for pause in server.came_back.values())
