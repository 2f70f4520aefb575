"""Connections to a real PostgreSQL server in our pool: killed under load, cancelled within a query."""

from typing import Any

import anyio.to_thread
import pytest
from services_errors import is_passing

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.patterns import ConnectionPool, RetryPolicy
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group

pytestmark = pytest.mark.asyncio

PATIENTLY = RetryPolicy(
    attempts=None, total_timeout=60.0, backoff=0.02, max_backoff=0.2, retry_on=is_passing, before_sleep=None
)


class Asyncpg:
    """The pool's side of asyncpg: how to open, look at, reset and ask."""

    def __init__(self, folder: Any) -> None:
        self.driver = pytest.importorskip("asyncpg", reason="needs asyncpg: hatch run services:test")
        self.folder = folder

    async def connect(self) -> Any:
        return await self.driver.connect(host=str(self.folder), user="postgres", database="postgres")

    async def is_alive(self, connection: Any) -> bool:
        return not connection.is_closed()

    async def ask(self, connection: Any, query: str) -> Any:
        return await connection.fetchval(query)


class Psycopg:
    """The pool's side of psycopg."""

    def __init__(self, folder: Any) -> None:
        self.driver = pytest.importorskip("psycopg", reason="needs psycopg: hatch run services:test")
        self.folder = folder

    async def connect(self) -> Any:
        conninfo = f"host={self.folder} user=postgres dbname=postgres"
        return await self.driver.AsyncConnection.connect(conninfo, autocommit=True)

    async def is_alive(self, connection: Any) -> bool:
        return not connection.closed and not connection.broken

    async def ask(self, connection: Any, query: str) -> Any:
        cursor = await connection.execute(query)
        return (await cursor.fetchone())[0]


@pytest.fixture(params=[Asyncpg, Psycopg])
def client(request: pytest.FixtureRequest, postgres: Any) -> Any:
    return request.param(postgres.folder)


def pool_of(client: Any, max_connections: int) -> ConnectionPool[Any]:
    return ConnectionPool(
        max_connections=max_connections, connection_factory=client.connect, check=client.is_alive
    )


async def connections_of_the_server(client: Any, pool: ConnectionPool[Any]) -> int:
    async with pool.acquire() as connection:
        return int(
            await client.ask(
                connection, "select count(*) from pg_stat_activity where backend_type = 'client backend'"
            )
        )


async def test_all_queries_are_answered_though_the_server_is_killed(client: Any, postgres: Any) -> None:
    answers: list[int] = []
    under_way = Event()

    async with pool_of(client, 5) as pool:

        async def ask(number: int) -> int:
            async with pool.acquire() as connection:
                return int(await client.ask(connection, f"select {number}"))

        async def user(first: int) -> None:
            for number in range(first, first + 50):
                answers.append(await PATIENTLY(ask, number))
                if len(answers) == 200:
                    under_way.set()

        async with create_task_group() as tg:
            for user_number in range(20):
                tg.start_soon(user, user_number * 50)
            await under_way.wait()
            await anyio.to_thread.run_sync(postgres.kill)
            await anyio.to_thread.run_sync(postgres.restart)

        assert sorted(answers) == list(range(1000))
        assert await connections_of_the_server(client, pool) <= 5
        assert pool.statistics().open <= 5


async def test_a_query_that_was_cancelled_does_not_answer_the_next_one(client: Any) -> None:
    async with pool_of(client, 1) as pool:
        for number in range(5):
            with move_on_after(0.02) as scope:
                async with pool.acquire() as connection:
                    await client.ask(connection, "select 'late' from pg_sleep(30)")
            assert scope.cancelled_caught

            async with pool.acquire() as connection:
                assert await client.ask(connection, f"select {number}") == number
        assert pool.statistics().open == 1
