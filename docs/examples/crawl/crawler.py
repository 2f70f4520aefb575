"""The crawler."""

from collections.abc import Iterable

import anyio.to_thread

from pynector.concurrency.patterns import WorkerPool

from .client import FAILURES, Client
from .connection import Response
from .journal import Journal
from .page import Link, Page, parse, resolve
from .report import Report

LONG_PAGE = 100_000


class Crawler:
    """Visits every page of a site that can be reached by links, each once.

    Two pools work hand in hand: visitors fetch pages, checkers read them and find more for the visitors. A
    visit is over when its page was checked; so once the visitors have nothing left, there is nothing left.

    Args:
        origin: The site; links to others are not followed.
        client: Fetches the pages.
        report: Is told what came of each page.
        journal: Gets a line for each page.
        visitors: Pages on their way at a time.
        limit: The most URLs to visit; None: all.
    """

    def __init__(
        self,
        origin: str,
        client: Client,
        report: Report,
        journal: Journal,
        *,
        visitors: int,
        limit: int | None,
    ) -> None:
        self._origin = origin
        self._client = client
        self._report = report
        self._journal = journal
        self._limit = limit
        # No limit to the visitors' queue: checkers that waited for a place in it would keep it full.
        self._visitors = WorkerPool[str, None](num_workers=visitors, worker_func=self._visit, max_queue=None)
        self._checkers = WorkerPool[tuple[str, Response], None](num_workers=4, worker_func=self._check)

    async def run(self, paths: Iterable[str]) -> None:
        """Visit *paths* and all that they lead to."""
        async with self._checkers, self._visitors:
            for path in paths:
                self._find(Link(self._origin + path))
            await self._visitors.join()

    def _find(self, link: Link) -> None:
        """Have a page visited, if it is new and of this site."""
        report = self._report
        if not link.url.startswith(f"{self._origin}/"):
            report.elsewhere += 1
        elif link.url not in report.found:
            if self._limit is None or len(report.found) < self._limit:
                report.found.add(link.url)
                self._visitors.submit_nowait(link.url)
            else:
                report.is_cut = True

    async def _visit(self, url: str) -> None:
        try:
            response = await self._client.get(url)
        except FAILURES as error:
            self._report.errors[url] = str(error) or type(error).__name__
        else:
            await (await self._checkers.submit((url, response)))

    async def _check(self, came: tuple[str, Response]) -> None:
        url, response = came
        links = await self._record(url, response)
        for link in links:
            self._report.sources[link].append(url)
            self._find(link)
        await self._journal.write(url, response.status, len(links))

    async def _record(self, url: str, response: Response) -> set[Link]:
        """Put down what came from *url*, and give the links in it."""
        report = self._report
        if response.status >= 400:
            report.errors[url] = f"answers {response.status}"
        elif (location := response.headers.get("location")) and response.status >= 300:
            report.moved[url] = link = resolve(url, location)
            return {link}
        elif response.headers.get("content-type", "").startswith("text/html"):
            report.pages[url] = page = await read(url, response.body)
            return page.links
        else:
            report.files.add(url)
        return set()


async def read(url: str, body: bytes) -> Page:
    """Parse a page; a long one in a thread, so that nothing else has to wait."""
    html = body.decode(errors="replace")
    if len(html) < LONG_PAGE:
        return parse(url, html)
    return await anyio.to_thread.run_sync(parse, url, html)
