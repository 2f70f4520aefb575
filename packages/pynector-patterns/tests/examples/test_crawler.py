"""The crawler."""

import json

import pytest

from crawl import crawler as crawler_module
from crawl.crawler import Crawler
from crawl.journal import Journal
from crawl.report import Report
from crawl.server import Answer, HangUp
from pynector.concurrency.patterns import retry_pauses_off

pytestmark = pytest.mark.anyio


class App:
    """A site that has these pages, and remembers what it was asked for."""

    def __init__(self, **pages):
        self.pages = pages
        self.asked = []

    async def __call__(self, target):
        self.asked.append(target)
        page = self.pages.get(target.strip("/") or "index", Answer(b"", 404))
        if isinstance(page, Exception):
            raise page
        return page if isinstance(page, Answer) else Answer(page.encode())


@pytest.fixture
def crawl(serving, client_of):
    """Crawls an app from its home page, and gives the report and the site's address."""

    async def crawl(app, *, limit=None, record=None):
        report = Report()
        with retry_pauses_off():
            async with serving(app) as origin:
                async with (
                    client_of(origin, report, connections=2) as client,
                    Journal.open(record) as journal,
                ):
                    await Crawler(origin, client, report, journal, visitors=4, limit=limit).run(["/"])
        return report, origin

    return crawl


async def test_all_that_can_be_reached_is_visited_once(crawl):
    app = App(index="<a href=a><a href=b>", a="<a href=b><a href=/>", b="<a href=c#x>", c="<a href=a>")

    report, origin = await crawl(app)

    assert sorted(app.asked) == ["/", "/a", "/b", "/c"]
    assert set(report.pages) == report.found == {f"{origin}{path}" for path in app.asked}


async def test_other_sites_are_left_alone(crawl):
    report, origin = await crawl(App(index="<a href=http://example.org/><a href=//127.0.0.1:1/>"))

    assert (report.elsewhere, set(report.pages)) == (2, {f"{origin}/"})


async def test_no_more_is_visited_than_the_limit(crawl):
    app = App(index="<a href=a><a href=b><a href=c>", a="", b="", c="")

    report, _ = await crawl(app, limit=3)

    assert (len(app.asked), report.is_cut) == (3, True)


async def test_a_page_that_moved_leads_on(crawl):
    moved = Answer(status=302, headers=(("Location", "b#part"),))

    report, origin = await crawl(App(index="<a href=a>", a=moved, b="<p id=part>"))

    assert f"{origin}/b" in report.pages
    assert not report.broken()


async def test_what_is_no_html_is_not_read(crawl):
    report, origin = await crawl(App(index="<a href=a>", a=Answer(b"<a href=b>", content_type="text/plain")))

    assert report.files == {f"{origin}/a"}


async def test_pages_that_do_not_come_are_told_with_the_reason(crawl):
    app = App(index="<a href=a><a href=b><a href=c>", a=Answer(status=500), b=HangUp(), c=Answer(status=503))

    report, origin = await crawl(app)

    assert report.errors[f"{origin}/a"] == "answers 500"
    assert "closed" in report.errors[f"{origin}/b"]
    assert report.errors[f"{origin}/c"] == "answers 503"
    assert [broken.sources for broken in report.broken()] == [(f"{origin}/",)] * 3


async def test_a_long_page_is_read_too(crawl, monkeypatch):
    monkeypatch.setattr(crawler_module, "LONG_PAGE", 0)

    report, origin = await crawl(App(index="<p id=part>"))

    assert report.pages[f"{origin}/"].anchors == {"part"}


async def test_each_url_gets_a_line_in_the_record(crawl, tmp_path):
    record = tmp_path / "record.jsonl"

    _, origin = await crawl(App(index="<a href=a>"), record=record)

    assert [json.loads(line) for line in record.read_text().splitlines()] == [
        {"url": f"{origin}/", "status": 200, "links": 1},
        {"url": f"{origin}/a", "status": 404, "links": 0},
    ]
