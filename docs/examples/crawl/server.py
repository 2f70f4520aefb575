"""A small web server."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

import anyio
import anyio.abc
import h11

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.primitives import CapacityLimiter
from pynector.concurrency.task import TaskStatus

from .wire import Wire

IDLE_SECONDS = 5.0
REQUESTS_PER_CONNECTION = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What an `App` gives for a request."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class HangUp(Exception):
    """Raised by an `App` to let the connection break in the middle of the answer."""


App = Callable[[str], Awaitable[Answer]]


class Server:
    """Serves an `App` on the loopback, until it is cancelled.

    Args:
        app: An async function from the request's target, such as `/page?q=1`, to the answer.
        max_connections: Clients served at a time; others wait.
    """

    def __init__(self, app: App, *, max_connections: int = 100) -> None:
        self._app = app
        self._places = CapacityLimiter(max_connections)

    async def run(self, *, task_status: TaskStatus[str]) -> None:
        """Serve, and tell whoever started this the server's address."""
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            task_status.started(f"http://127.0.0.1:{port}")
            await listener.serve(self._serve)

    async def _serve(self, stream: anyio.abc.SocketStream) -> None:
        async with aclosing(Wire(stream, h11.Connection(h11.SERVER))) as wire, self._places:
            # The client may break any rule, and leave at any time; that is no error of ours.
            with suppress(h11.RemoteProtocolError, anyio.BrokenResourceError, OSError, HangUp):
                for left in reversed(range(REQUESTS_PER_CONNECTION)):
                    request = await next_request(wire)
                    if request is None:
                        break
                    await self._respond(wire, request, is_last=not left)
                    if not wire.is_reusable:
                        break
                    wire.start_next_exchange()

    async def _respond(self, wire: Wire, request: h11.Request, *, is_last: bool) -> None:
        try:
            answer = await self._app(request.target.decode("ascii"))
        except HangUp:
            await wire.write(h11.Response(status_code=200, headers=[("Content-Length", "1000")]))
            raise
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        headers += [("Connection", "close")] * is_last + list(answer.headers)
        response = h11.Response(status_code=answer.status, headers=headers)
        await wire.write(response, h11.Data(data=answer.body), h11.EndOfMessage())


async def next_request(wire: Wire) -> h11.Request | None:
    """Wait for a request; None: the client has left, or says nothing any more."""
    with move_on_after(IDLE_SECONDS):
        request = await wire.read()
        if isinstance(request, h11.Request):
            while not isinstance(await wire.read(), h11.EndOfMessage):
                pass  # a body, which no app here wants
            return request
    return None
