"""Connections to a real server that speaks Redis' protocol: cancelled in the middle of a command."""

from typing import Any

import pytest

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.patterns import ConnectionPool, parallel_requests

pytestmark = pytest.mark.asyncio


@pytest.fixture
def pool(valkey_port: int) -> ConnectionPool[Any]:
    redis = pytest.importorskip("redis.asyncio", reason="needs redis: hatch run services:test")

    async def connect() -> Any:
        return await redis.Redis(port=valkey_port, decode_responses=True, single_connection_client=True)

    return ConnectionPool(max_connections=2, connection_factory=connect)


async def test_an_answer_never_reaches_the_wrong_caller(pool: ConnectionPool[Any]) -> None:
    async def echo(number: int) -> str:
        with move_on_after(0.01 if number % 3 == 0 else None):
            async with pool.acquire() as connection:
                if number % 3 == 0:
                    await connection.blpop("nothing", timeout=30)  # cancelled while it waits
                return str(await connection.echo(str(number)))
        return "cancelled"

    async with pool:
        answers = await parallel_requests(range(60), echo, max_concurrency=6)

    assert answers == ["cancelled" if number % 3 == 0 else str(number) for number in range(60)]
