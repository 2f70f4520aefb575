"""What is seen while it runs."""

from collections import Counter
from io import StringIO

import anyio
import pytest
from rich.console import Console

from crawl import progress
from crawl.report import Report

pytestmark = pytest.mark.anyio


class Screen(StringIO):
    """A file that tells when something was written."""

    def __init__(self):
        super().__init__()
        self.written = anyio.Event()

    def write(self, text):
        self.written.set()
        return super().write(text)


@pytest.fixture
def report():
    return Report(
        found={"a", "b", "c"},
        files={"a"},
        errors={"b": "answers 404"},
        retries=4,
        timeouts=1,
        connections=Counter(opened=7, closed=2, lent=9, returned=6),
    )


async def shown(report, *, is_terminal):
    screen = Screen()
    async with anyio.create_task_group() as tg:
        tg.start_soon(progress.show_progress, Console(file=screen, force_terminal=is_terminal), report)
        await screen.written.wait()
        tg.cancel_scope.cancel()
    return screen.getvalue()


async def test_a_terminal_gets_a_picture_that_is_taken_away_at_the_end(report):
    picture = await shown(report, is_terminal=True)

    for words in (
        "2 of 3 found so far",
        "4 retries, 1 after a time-out",
        "5 open, 3 of them busy",
        "1 so far",
    ):
        assert words in picture
    assert picture.endswith("\x1b[2K")  # the line is erased


async def test_elsewhere_there_are_plain_lines(report, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)

    lines = await shown(report, is_terminal=False)

    assert lines.startswith("2 of 3 pages, 4 retries\n")
    assert "\x1b" not in lines
