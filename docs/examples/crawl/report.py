"""What a crawl has found so far."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import quantiles

from pynector.concurrency.patterns import PoolEvent, PoolEventKind

from .page import Link, Page

MAX_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Broken:
    """A target that is not there, with the pages that link to it."""

    target: str
    why: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        others = f" and {len(self.sources) - 1} more" if len(self.sources) > 1 else ""
        return f"{self.target}: {self.why}" + (
            f"; linked from {self.sources[0]}{others}" if self.sources else ""
        )


@dataclass(slots=True)
class Report:
    """What came of each URL, and how much had to be tried again.

    Attributes:
        found: The URLs that were found; not all of them may have been visited yet.
        is_cut: More were found than were to be visited.
        pages: The pages that came, by URL.
        files: The URLs of what came and is no page.
        moved: Where those have gone that are elsewhere now.
        errors: Why the others did not come.
        sources: The pages that have a link.
        elsewhere: Links to other sites, which are not followed.
        seconds: How long each answer took, from the last attempt's first byte sent.
        connections: What became of connections, and how often: `opened`, `lent`, `returned`, `closed`, …
        retries: The attempts that were followed by another.
        timeouts: Those of them that ran out of time.
    """

    found: set[str] = field(default_factory=set[str])
    is_cut: bool = False
    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    files: set[str] = field(default_factory=set[str])
    moved: dict[str, Link] = field(default_factory=dict[str, Link])
    errors: dict[str, str] = field(default_factory=dict[str, str])
    sources: defaultdict[Link, list[str]] = field(default_factory=lambda: defaultdict[Link, list[str]](list))
    elsewhere: int = 0
    seconds: list[float] = field(default_factory=list[float])
    connections: Counter[PoolEventKind] = field(default_factory=Counter[PoolEventKind])
    retries: int = 0
    timeouts: int = 0

    @property
    def visited(self) -> int:
        """The number of URLs of which it is known what came."""
        return len(self.pages) + len(self.files) + len(self.moved) + len(self.errors)

    def note(self, event: PoolEvent) -> None:
        """Count what happened in the pool of connections."""
        self.connections[event.kind] += 1

    def broken(self) -> list[Broken]:
        """The targets that are not there, as far as it is known, in their order."""
        found = defaultdict[tuple[str, str], list[str]](list)
        for error in self.errors.items():
            found[error] = []
        for link, sources in self.sources.items():
            if wrong := self._wrong_with(link):
                found[wrong] += sources
        return [Broken(*wrong, tuple(sorted(sources))) for wrong, sources in sorted(found.items())]

    def _wrong_with(self, link: Link) -> tuple[str, str] | None:
        """The target of a link, and why it is not there."""
        url = self._destination(link.url)
        if url in self.errors:
            return url, self.errors[url]
        if url in self.moved:
            return url, "been bound a circle"
        if link.fragment and url in self.pages and link.fragment not in self.pages[url].anchors:
            return str(link), "no such anchor on the page"
        return None

    def _destination(self, url: str) -> str:
        for _ in range(MAX_REDIRECTS):
            if url not in self.moved:
                break
            url = self.moved[url].url
        return url

    def percentile(self, percent: int) -> float:
        """The seconds within which so many of a hundred answers came."""
        if len(self.seconds) < 2:
            return sum(self.seconds)
        return quantiles(self.seconds, n=100, method="inclusive")[percent - 1]
