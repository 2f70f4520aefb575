"""A record of a crawl."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import anyio

from pynector.concurrency.primitives import Lock


class Journal:
    """A file that gets one line of JSON for each URL, as it comes. Made by `open`.

    Args:
        file: To be written to; None: nothing is recorded.
    """

    def __init__(self, file: anyio.AsyncFile[str] | None) -> None:
        self._file = file
        self._lock = Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path | None) -> AsyncGenerator[Self]:
        """Make the file at *path*, and close it at the end of the block."""
        if path is None:
            yield cls(None)
        else:
            async with await anyio.open_file(path, "w", encoding="utf-8") as file:
                yield cls(file)

    async def write(self, url: str, status: int, links: int) -> None:
        """Add a line."""
        if self._file is not None:
            line = json.dumps({"url": url, "status": status, "links": links})
            async with self._lock:  # each write is in a thread; two at once would mix their lines
                await self._file.write(f"{line}\n")
