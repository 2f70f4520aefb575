"""Looks at every page of the built site in a browser: light, dark, and 400 pixels wide.

    hatch run site:check [FOLDER]

Each promise first has to find a fault that is planted for it; a promise that cannot fail proves nothing. The
browser is the system's chromium. Where there is none, `--install` takes it from the system's packages; where
that fails, too, nothing is checked, and this says so loudly and exits with 3.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1400, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1400, "height": 900}},
    "400 px": {"color_scheme": "light", "viewport": {"width": 400, "height": 800}},
}
SEARCHES = {  # what is typed: the page that must answer first, and where it matters the section
    "acquire": ("api/patterns/ConnectionPool/", "pynector.concurrency.patterns.ConnectionPool.acquire"),
    "ConnectionPool": ("api/patterns/ConnectionPool/", None),
    "RetryPolicy": ("api/patterns/RetryPolicy/", None),
    "Lock": ("api/primitives/Lock/", None),
}
Promise = Callable[[Page], list[str]]

TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > room) found.push(
    `the page is ${document.documentElement.scrollWidth} px wide, the screen ${room}`);
  return found;
}"""
CUT = """() => [...document.querySelectorAll('.md-content pre > code')].filter(
    code => code.offsetParent && code.scrollWidth > code.clientWidth + 1
  ).map(code => `code is cut: ${code.innerText.slice(0, 60).replace(/\\s+/g, ' ')}`)"""
HIDDEN_BY_BUTTON = """() => [...document.querySelectorAll('.md-content pre')].flatMap(pre => {
  const button = pre.querySelector('.md-code__nav, .md-clipboard'), code = pre.querySelector('code');
  if (!button || !code || !code.offsetParent) return [];
  const of = button.getBoundingClientRect(), range = document.createRange();
  range.selectNodeContents(code);
  const hit = [...range.getClientRects()].some(line => line.width && line.right > of.left + 1
    && line.left < of.right && line.bottom > of.top + 1 && line.top < of.bottom - 1);
  return hit ? [`the button lies on the code: ${code.innerText.slice(0, 60).replace(/\\s+/g, ' ')}`] : [];
})"""
BROKEN = """() => [...document.images].filter(
    image => image.offsetParent && !(image.complete && image.naturalWidth)
  ).map(image => `a picture is broken: ${image.src}`)"""
SMALL = """() => [...document.querySelectorAll('.picture svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  if (!svg.checkVisibility()) return [];
  if (box.width < 100 || box.height < 30) return [`a picture is ${box.width} by ${box.height} px`];
  const scale = box.width / svg.viewBox.baseVal.width;
  return [...svg.querySelectorAll('text')].flatMap(text => {
    const size = parseFloat(getComputedStyle(text).fontSize) * scale, at = text.getBoundingClientRect();
    if (size < 10) return [`the words "${text.textContent}" are ${size.toFixed(1)} px high`];
    return at.left < box.left - 1 || at.right > box.right + 1
      ? [`the words "${text.textContent}" stand out of their picture`] : [];
  });
})"""
BROKEN_WORD = """() => [
  ...document.querySelectorAll('.md-content table:not(.highlighttable) td')].flatMap(cell => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const range = document.createRange(), found = [];
  while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/\\w+/g)) {
    range.setStart(walker.currentNode, word.index);
    range.setEnd(walker.currentNode, word.index + word[0].length);
    const lines = new Set([...range.getClientRects()].filter(it => it.width).map(it => Math.round(it.top)));
    if (lines.size > 1) found.push(`a word in a table is broken: ${word[0]}`);
  }
  return found;
})"""
CONTRAST = """async () => {
  const found = await axe.run({exclude: [['.md-search'], ['.mkdocstrings-source']]}, {
    runOnly: ['color-contrast', 'image-alt', 'svg-img-alt', 'link-name', 'document-title'],
    resultTypes: ['violations']});
  return found.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${node.html.slice(0, 90)} ${(node.any[0]?.message ?? '').slice(0, 110)}`));
}"""
UNDESCRIBED = """() => {
  const words = document.querySelector('meta[name=description]')?.content ?? '';
  return words.length < 20 ? [`the page has no description: "${words}"`] : [];
}"""
FURNITURE = """() => [
  /\\d+\\.\\d+/.test(document.querySelector('.md-header__title').textContent) || 'no version in the header',
  document.querySelector('link[rel=icon][href$="favicon.svg"]') || 'no icon of its own',
  document.querySelector('.md-footer__link') || 'neither a previous nor a next page',
].filter(it => typeof it === 'string')"""
UNFINISHED = """() => document.querySelector('.md-typeset h1') ? [] : ['the page has no heading']"""
SIDE_BY_SIDE = """() => innerWidth < 1300 ? [] : [...document.querySelectorAll('.both.tabbed-set')].filter(
    set => [...set.querySelectorAll(':scope > .tabbed-content > .tabbed-block')].filter(
      block => block.getBoundingClientRect().width > 300).length < 2
  ).map(set => `one side hides the other: ${set.innerText.slice(0, 40)}`)"""

# A promise by its name, with what breaks it on a page that keeps it.
PROMISES: dict[str, tuple[str, str]] = {
    "no page is wider than the screen": (
        TOO_WIDE,
        "document.body.insertAdjacentHTML('beforeend', '<div style=\"width: 3000px\">x</div>')",
    ),
    "no code is cut": (
        CUT,
        "document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend',"
        " `<pre><code style=\"white-space: pre\">${'x '.repeat(300)}</code></pre>`)",
    ),
    "no button lies on code": (
        HIDDEN_BY_BUTTON,
        "document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend', '<pre style=\"position:"
        ' relative"><button class="md-clipboard" style="position: absolute; left: 0; top: 0; width: 99px;'
        " height: 30px\"></button><code>xx xx xx</code></pre>')",
    ),
    "no picture is broken": (
        BROKEN,
        "const image = new Image(); image.src = 'none.png'; image.width = image.height = 9;"
        " document.querySelector('.md-content__inner').append(image)",
    ),
    "words in pictures can be read": (
        SMALL,
        "document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend', '<div class=picture>"
        '<svg viewBox="0 0 900 300" style="width:300px"><text y="99">small</text></svg></div>\')',
    ),
    "no word in a table is broken": (
        BROKEN_WORD,
        "document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend', '<table><td"
        ' style="width: 30px; overflow-wrap: anywhere">connection_pool</td></table>\')',
    ),
    "contrast is AA, pictures and links have names": (
        CONTRAST,
        "document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend',"
        " '<p style=\"color: #999; background: #fff\">pale</p>')",
    ),
    "each page is described": (
        UNDESCRIBED,
        "document.querySelector('meta[name=description]').remove()",
    ),
    "each page has a version, an icon and neighbours": (
        FURNITURE,
        "document.querySelectorAll('.md-footer__link').forEach(it => it.remove())",
    ),
    "each page has a heading": (UNFINISHED, "document.querySelector('.md-typeset h1').remove()"),
    "both sides of a migration are seen": (
        SIDE_BY_SIDE,
        "document.querySelector('.md-content__inner')"
        ".insertAdjacentHTML('beforeend', '<div class=\"both tabbed-set\">"
        " <div class=tabbed-content><div class=tabbed-block>a</div></div></div>')",
    ),
}


@dataclass
class Traffic:
    """What pages asked for and did not get, or should not have asked for."""

    origin: str
    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("response", lambda it: it.status >= 400 and self.found.append(f"{it.status} for {it.url}"))
        page.on("request", lambda it: self._ask(it.url))
        page.on("pageerror", lambda error: self.found.append(f"a script failed: {error}"))

    def take(self) -> list[str]:
        found, self.found = self.found, []
        return found

    def _ask(self, url: str) -> None:
        if not url.startswith((self.origin.removesuffix("latest/"), "data:", "blob:")):
            self.found.append(f"a foreign server is asked: {url}")


class Published(SimpleHTTPRequestHandler):
    """Serves the site as mike publishes it: in a folder of its version, beside a list of all versions."""

    def do_GET(self) -> None:
        if self.path.startswith("/versions.json"):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'[{"version": "latest", "title": "latest", "aliases": []}]')
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/latest"))

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Published, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/latest/"
        server.shutdown()


def browser_path(*, install: bool) -> str | None:
    """The system's browser; None if there is none, and none could be installed."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None and install and shutil.which("apt-get"):
        for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "chromium"]):
            done = subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL, check=False)
            print(f"apt-get {command[0]}: {'done' if done.returncode == 0 else 'FAILED'}", flush=True)
        path = shutil.which("chromium")
    return path


def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def prepare(page: Page, url: str) -> None:
    """Open a page with all that is folded shown, but for the sources, and nothing in motion."""
    page.goto(url, wait_until="load")
    page.evaluate(
        """async () => {
          document.querySelectorAll('details:not(.mkdocstrings-source)').forEach(it => it.open = true);
          const still = document.createElement('style');
          still.textContent = '* { transition: none !important; animation: none !important; }';
          document.head.append(still);
          document.querySelectorAll('img[loading=lazy]').forEach(it => it.loading = 'eager');
          await Promise.all([...document.images].map(it => it.decode().catch(() => 0)));
        }"""
    )
    page.evaluate(AXE)


AXE = axe()


def planted(browser: Browser, origin: str) -> list[str]:
    """The promises that do not see the fault planted for them, or see one where none is."""
    blind = []
    for name, (promise, fault) in PROMISES.items():
        page = browser.new_page(**VIEWS["light"])
        prepare(page, f"{origin}index.html")
        before = set(page.evaluate(promise))
        page.evaluate(f"async () => {{ {fault}; await new Promise(done => setTimeout(done, 50)) }}")
        if not set(page.evaluate(promise)) - before:
            blind.append(f"the promise '{name}' does not see the fault that is planted")
        page.close()
    page = browser.new_page(**VIEWS["light"])
    traffic = Traffic(origin)
    traffic.watch(page)
    page.goto(f"{origin}index.html")
    page.evaluate("() => fetch('not-there').catch(() => 0)")
    page.evaluate("() => fetch('http://127.0.0.1:9/').catch(() => 0)")
    if len(traffic.take()) < 2:
        blind.append("the watch on the traffic is blind")
    if answer(page, origin, "acquire") == answer(page, origin, "benchmarks"):
        blind.append("the search answers everything alike")
    return blind


def answer(page: Page, origin: str, words: str) -> tuple[str, str]:
    """What answers the search first: the page, and its first section among the answers."""
    page.goto(f"{origin}index.html?q={words}")
    found = page.locator(".md-search-result__item a")
    found.first.wait_for(state="attached")
    page.wait_for_timeout(300)  # the list grows while the answers come in
    links = [str(link.get_attribute("href")).removeprefix(origin) for link in found.all()]
    pages = [link.partition("#")[0].partition("?")[0] for link in links]
    sections = [link.partition("#")[2] for link in links if "#" in link]
    return pages[0], sections[0] if sections else ""


def pages_of(folder: Path) -> list[str]:
    found = [str(path.parent.relative_to(folder)) + "/" for path in folder.rglob("index.html")]
    return sorted("" if page == "./" else page for page in found)


def look(browser: Browser, origin: str, pages: list[str]) -> Iterator[str]:
    for view, settings in VIEWS.items():
        context = browser.new_context(**settings)
        page = context.new_page()
        traffic = Traffic(origin)
        traffic.watch(page)
        for name in pages:
            prepare(page, origin + name)
            found = [fault for promise, _ in PROMISES.values() for fault in page.evaluate(promise)]
            yield from (f"{view}, /{name}: {fault}" for fault in dict.fromkeys(found + traffic.take()))
        context.close()


def look_once(browser: Browser, origin: str, pages: list[str]) -> Iterator[str]:
    """What needs to be seen in one view only: the search, the descriptions, the home page's first screen."""
    page = browser.new_page(**VIEWS["light"])
    for words, (expected, section) in SEARCHES.items():
        found = answer(page, origin, words)
        if found != (expected, section or found[1]):
            yield f"the search for '{words}' answers {found} first, not {expected}, {section}"
    described: dict[str, str] = {}
    for name in pages:
        page.goto(origin + name)
        words = page.locator("meta[name=description]").get_attribute("content") or ""
        if words in described:
            yield f"/{name} and /{described[words]} have one description: {words}"
        described[words] = name
    page.goto(f"{origin}index.html")
    low = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('.lead, .lead .picture, .lead pre')]"
        ".map(it => it.getBoundingClientRect().bottom))"
    )
    if not 0 < low <= 900:
        yield f"the home page's first screen ends at {low} px, not within 900"
    page.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "site")
    parser.add_argument("--install", action="store_true", help="install chromium where it is missing")
    parser.add_argument("--only", default="", metavar="WORD", help="pages with this in their address")
    parser.add_argument("--shots", type=Path, metavar="FOLDER", help="save what is seen as pictures, too")
    return parser.parse_args()


def shoot(browser: Browser, origin: str, pages: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for view, settings in VIEWS.items():
        page = browser.new_page(**settings)
        for name in pages:
            page.goto(origin + name)
            page.wait_for_timeout(300)
            page.screenshot(
                path=folder / f"{name.strip('/').replace('/', '-') or 'home'}-{view.replace(' ', '')}.png"
            )
        page.close()


def main() -> int:
    """Run as a program."""
    options = arguments()
    if not (options.folder / "index.html").exists():
        print(f"there is no site in {options.folder}; run: hatch run docs:build")
        return 2
    executable = browser_path(install=options.install)
    if executable is None:
        print("#" * 80 + "\nNOT CHECKED: there is no chromium, and none could be installed.\n" + "#" * 80)
        return 3
    pages = [page for page in pages_of(options.folder) if options.only in page]
    with served(options.folder) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        if options.shots:
            shoot(browser, origin, pages, options.shots)
        faults = planted(browser, origin)
        faults += look(browser, origin, pages)
        faults += [] if options.only else look_once(browser, origin, pages)
        browser.close()
    print("\n".join(faults))
    print(f"{len(pages)} pages, {len(VIEWS)} views, {len(PROMISES)} promises, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
