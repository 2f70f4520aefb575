"""What there is to crawl."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from .folder import Folder
from .generated_site import GeneratedSite
from .page import resolve
from .server import App


@dataclass(frozen=True, kw_only=True)
class Target:
    """A web site: one out there, or one that is still to be served on the loopback.

    Attributes:
        origin: Its address; empty if it is still to be served.
        app: What answers for it, if it is to be served.
        paths: Where to begin.
        broken: The paths that are known not to be there, with perhaps a fragment.
        limit: The most pages to visit; None: all.
        timeout: Seconds that an answer may take.
        rate: The most requests in a second; None: no limit.
    """

    origin: str = ""
    app: App | None = None
    paths: tuple[str, ...] = ("/",)
    broken: frozenset[str] = frozenset()
    limit: int | None = None
    timeout: float = 1.0
    rate: float | None = None

    @classmethod
    def made_up(cls, pages: int) -> Self:
        """A site with so many pages that nobody wrote."""
        site = GeneratedSite(pages)
        return cls(app=site.answer, broken=frozenset(site.broken))

    @classmethod
    def in_folder(cls, path: Path, limit: int | None) -> Self:
        """A folder of files."""
        folder = Folder(path)
        return cls(app=folder.answer, paths=tuple(folder.pages), limit=limit, timeout=10.0)

    @classmethod
    def at(cls, url: str, limit: int) -> Self:
        """The site that has the page *url*; it belongs to somebody else, so gently."""
        parts = urlsplit(resolve(url, "").url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must begin with http:// or https:// and a host, not {url!r}")
        origin = f"{parts.scheme}://{parts.netloc}"
        path = parts._replace(scheme="", netloc="").geturl()
        return cls(origin=origin, paths=(path,), limit=limit, timeout=10.0, rate=20.0)
