"""What a page leads to, and what can be pointed at in it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

# Which attributes of which elements lead somewhere.
LEADS = {
    "a": "href", "area": "href", "link": "href", "img": "src", "script": "src", "iframe": "src",
    "source": "src", "video": "src", "audio": "src",
}  # fmt: skip
NO_PAGE = {"preconnect", "dns-prefetch"}
SAFE = "/%:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Link:
    """The URL of a page, and the fragment that is to be found there, or an empty string."""

    url: str
    fragment: str = ""

    def __str__(self) -> str:
        return f"{self.url}#{self.fragment}" if self.fragment else self.url


def resolve(base: str, target: str) -> Link:
    """Tell where *target*, as it stands on the page *base*, leads to; one place has one spelling."""
    try:
        parts = urlsplit(urljoin(base, target.strip()))
    except ValueError:
        return Link(target)
    path, query = quote(parts.path or "/", SAFE), quote(parts.query, SAFE)
    url = parts._replace(netloc=parts.netloc.lower(), path=path, query=query, fragment="").geturl()
    return Link(url, "" if is_everywhere(parts.fragment) else unquote(parts.fragment))


def is_everywhere(fragment: str) -> bool:
    """Whether every page has it: its top, or a text to be searched for."""
    return fragment.lower() == "top" or fragment.startswith(":~:")


@dataclass(slots=True)
class Page:
    """The links of a page, and its anchors: the fragments that can be linked to."""

    links: set[Link] = field(default_factory=set[Link])
    anchors: set[str] = field(default_factory=set[str])


def parse(url: str, html: str) -> Page:
    """Read the page that was found at *url*."""
    parser = PageParser(url)
    parser.feed(html)
    parser.close()
    return parser.page


class PageParser(HTMLParser):
    """Collects links and anchors while it is fed."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._base = url
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.page.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "base" and "href" in values:
            self._base = urljoin(self._base, values["href"])
        target = values.get(LEADS.get(tag, ""))
        if target is not None and not NO_PAGE & set(values.get("rel", "").split()):
            link = resolve(self._base, target)
            if link.url.startswith(("http://", "https://")):
                self.page.links.add(link)
