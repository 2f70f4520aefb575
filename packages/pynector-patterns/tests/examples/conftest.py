"""The example programs, as the documentation shows them; they are no package, so they are put on the path."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pynector.concurrency.task import create_task_group

EXAMPLES = Path(__file__).parents[4] / "docs/examples"
sys.path.insert(0, str(EXAMPLES))

from crawl.server import Server  # noqa: E402


@pytest.fixture
def program():
    return EXAMPLES / "demo.py"


@pytest.fixture
def serving():
    """A server of an app on the loopback, for the length of a block; gives its address."""

    @asynccontextmanager
    async def serve(app):
        async with create_task_group() as tg:
            yield await tg.start(Server(app).run)
            tg.cancel("the test is done")

    return serve


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of pages: `folder(index="<p>", about="<p>")`."""

    def make(**pages):
        for name, html in pages.items():
            (tmp_path / f"{name}.html").write_text(html)
        return tmp_path

    return make
