"""A folder of files, as a web site."""

from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import anyio

from .server import Answer


class Folder:
    """The files of a folder, as a static web server would show them.

    Args:
        path: The folder. A path in it that is a folder shows its `index.html`.

    Raises:
        NotADirectoryError: *path* is no folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise NotADirectoryError(f"{path} is no folder")
        self._path = path.resolve()

    @property
    def pages(self) -> list[str]:
        """The URL paths of all HTML files: also of those that nothing links to."""
        files = (file.relative_to(self._path) for file in sorted(self._path.rglob("*.html")))
        return [quote("/" + file.as_posix().removesuffix("index.html")) for file in files]

    async def answer(self, target: str) -> Answer:
        """Give the file at *target*; a folder without its last slash is moved there."""
        try:
            return await self._answer(unquote(urlsplit(target).path))
        except (OSError, ValueError):  # ValueError: it cannot be the name of a file
            return Answer(b"there is no such file", 404)

    async def _answer(self, path: str) -> Answer:
        file = await anyio.Path(self._path, path.lstrip("/")).resolve()
        if not file.is_relative_to(self._path):
            raise FileNotFoundError(f"{file} is not in the site")
        if await file.is_dir():
            if not path.endswith("/"):
                return Answer(status=301, headers=(("Location", quote(path) + "/"),))
            file /= "index.html"
        kind, _ = guess_type(file.name)
        return Answer(await file.read_bytes(), content_type=kind or "application/octet-stream")
