"""A server on the loopback that sends back what it gets, and the connections to it."""

from contextlib import asynccontextmanager
from random import Random

import anyio
from anyio.abc import SocketAttribute, SocketStream

SIZE = 4


class EchoServer:
    """Counts the connections that are open at its end."""

    def __init__(self, random: Random, *, failing: float) -> None:
        self.random = random
        self.failing = failing  # share of connects that fail, before or after the connection is made
        self.port = 0
        self.open = 0
        self.accepted = 0
        self.refused = 0
        self.has_no_client = anyio.Event()

    @asynccontextmanager
    async def serving(self):
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            anyio.create_task_group() as tg,
        ):
            self.port = listener.extra(SocketAttribute.local_port)
            tg.start_soon(listener.serve, self._serve)
            yield self
            tg.cancel_scope.cancel()

    async def _serve(self, stream: SocketStream) -> None:
        if not self.open:
            self.has_no_client = anyio.Event()
        self.open += 1
        self.accepted += 1
        try:
            async with stream:
                while True:
                    await stream.send(await stream.receive(SIZE))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the client has gone
        finally:
            self.open -= 1
            if not self.open:
                self.has_no_client.set()

    async def connect(self) -> "Connection":
        """The factory of the pool: slow, and often failing."""
        self._fail_sometimes()
        stream = await anyio.connect_tcp("127.0.0.1", self.port)
        try:
            await anyio.sleep(self.random.random() / 1000)
            self._fail_sometimes()
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise
        return Connection(stream)

    def _fail_sometimes(self) -> None:
        if self.random.random() < self.failing / 2:
            self.refused += 1
            raise ConnectionError("refused, as the test wants it")


class Connection:
    """A connection that is broken once an exchange was cut short."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.users = 0
        self.broken = False

    async def ask(self, question: bytes) -> bytes:
        self.users += 1
        assert self.users == 1, "two users of one connection"
        assert not self.broken, "a broken connection was lent again"
        self.broken = True
        try:
            await self.stream.send(question)
            answer = b""
            while len(answer) < len(question):
                answer += await self.stream.receive(SIZE)
            self.broken = False
            return answer
        finally:
            self.users -= 1

    async def close(self) -> None:
        await self.stream.aclose()
