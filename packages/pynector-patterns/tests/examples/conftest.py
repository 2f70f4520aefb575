"""The example programs, as the documentation shows them; they are no package, so they are put on the path."""

import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolWatch
from pynector.concurrency.task import create_task_group

EXAMPLES = Path(__file__).parents[4] / "docs/examples"
sys.path.insert(0, str(EXAMPLES))

from crawl.client import Client  # noqa: E402
from crawl.connection import Connection  # noqa: E402
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
def client_of():
    """A client of the server at an address, for the length of a block, as the demo makes it."""

    @asynccontextmanager
    async def client_of(origin, report, *, connections=1, timeout=5.0, rate=None):
        connect = partial(Connection.open, origin)
        watch = PoolWatch(on_event=report.note)
        async with ConnectionPool(
            max_connections=connections, connection_factory=connect, watch=watch
        ) as pool:
            yield Client(pool, timeout=timeout, rate=rate, report=report)

    return client_of


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of pages: `folder(index="<p>", about="<p>")`."""

    def make(**pages):
        for name, html in pages.items():
            (tmp_path / f"{name}.html").write_text(html)
        return tmp_path

    return make
