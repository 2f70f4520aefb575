"""A connection to a web server."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import ByteStream

from .wire import Wire

MAX_BYTES = 20_000_000


class TooLong(Exception):
    """The body of a response is longer than any page should be."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """Asks one server for one page after another. Made by `open`.

    An exchange that failed or was cancelled leaves it unusable: close it then.
    """

    __slots__ = ("_host", "_is_used", "_wire")

    def __init__(self, wire: Wire, host: str) -> None:
        self._wire = wire
        self._host = host
        self._is_used = False

    @classmethod
    async def open(cls, origin: str) -> Self:
        """Connect to a server.

        Args:
            origin: Its address, such as `https://example.org:8000`.
        """
        url = urlsplit(origin)
        host = url.hostname or ""
        stream: ByteStream
        if url.scheme == "https":
            # Web servers end TLS without a goodbye; h11 knows whether a response is complete.
            stream = await anyio.connect_tcp(host, url.port or 443, tls=True, tls_standard_compatible=False)
        else:
            stream = await anyio.connect_tcp(host, url.port or 80)
        return cls(Wire(stream, h11.Connection(h11.CLIENT)), url.netloc)

    @property
    def is_reusable(self) -> bool:
        """Whether another page can be asked for."""
        return not self._is_used or self._wire.is_reusable

    async def get(self, target: str) -> Response:
        """Ask for the page at *target*, a path with perhaps a query.

        Raises:
            h11.RemoteProtocolError: the server left, or broke the rules.
            OSError, anyio.BrokenResourceError: the connection broke.
            TooLong: it is more than anyone could want.
        """
        if self._is_used:
            self._wire.start_next_exchange()
        self._is_used = True
        headers = [("Host", self._host), ("User-Agent", "pynector-demo"), ("Accept", "*/*")]
        await self._wire.write(h11.Request(method="GET", target=target, headers=headers), h11.EndOfMessage())
        while not isinstance(response := await self._wire.read(), h11.Response):
            pass  # 1xx: the response is still to come
        fields = {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}
        return Response(response.status_code, fields, await self._body())

    async def _body(self) -> bytes:
        body = bytearray()
        while isinstance(data := await self._wire.read(), h11.Data):
            body += data.data
            if len(body) > MAX_BYTES:
                raise TooLong(f"more than {MAX_BYTES} bytes")
        return bytes(body)

    async def aclose(self) -> None:
        """Close it."""
        await self._wire.aclose()
