"""One side of an HTTP/1.1 connection."""

import anyio
import anyio.abc
import h11

CHUNK = 65536


class Wire:
    """HTTP over a byte stream: h11 says what the bytes mean, AnyIO sends and receives them.

    Args:
        stream: The bytes.
        http: The state of the connection, of one who is a client or a server.
    """

    __slots__ = ("_http", "_stream")

    def __init__(self, stream: anyio.abc.ByteStream, http: h11.Connection) -> None:
        self._stream = stream
        self._http = http

    @property
    def is_reusable(self) -> bool:
        """Whether the last exchange is complete, and both sides are willing to have another one."""
        return self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}

    def start_next_exchange(self) -> None:
        """Make ready for another request, once `is_reusable`."""
        self._http.start_next_cycle()

    async def read(self) -> h11.Event:
        """Wait for the next thing that the peer says."""
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            self._http.receive_data(await self._receive())

    async def _receive(self) -> bytes:
        try:
            return await self._stream.receive(CHUNK)
        except anyio.EndOfStream:
            return b""  # h11's word for it; it knows whether the peer may end here

    async def write(self, *events: h11.Event) -> None:
        """Say several things, in one piece."""
        await self._stream.send(b"".join(self._http.send(event) or b"" for event in events))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
