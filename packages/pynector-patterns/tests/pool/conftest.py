"""Connections to nowhere, that know what was done to them."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio.lowlevel
import pytest

from pynector.concurrency.patterns import ConnectionPool
from pynector.concurrency.testing import explore


class Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True

    def __repr__(self) -> str:
        return f"<Connection {self.number}>"


class World:
    """Opens connections, and keeps them all in view."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: a scenario may be run more than once."""
        self.opened: list[Connection] = []
        self.failures: list[Exception] = []
        self.calls = 0
        self.takes = 0.0

    async def connect(self) -> Connection:
        self.calls += 1
        await anyio.sleep(self.takes)
        if self.failures:
            raise self.failures.pop(0)
        self.opened.append(Connection(len(self.opened) + 1))
        return self.opened[-1]

    def pool(self, max_connections: int = 1, **options: Any) -> ConnectionPool[Connection]:
        return ConnectionPool(max_connections=max_connections, connection_factory=self.connect, **options)

    @property
    def open(self) -> list[int]:
        """The numbers of the connections that are open."""
        return [connection.number for connection in self.opened if not connection.closed]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make_world() -> type[World]:
    return World


@pytest.fixture(params=["asyncio", "trio"])
def in_virtual_time(
    request: pytest.FixtureRequest,
) -> Callable[[Callable[[], Coroutine[Any, Any, None]]], None]:
    """Runs an async function in virtual time, where an hour takes none."""

    def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
        explore(scenario, order="fifo", backend=request.param).check()

    return run
