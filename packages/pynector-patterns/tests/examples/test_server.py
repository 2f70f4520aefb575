"""The server, and a connection to it."""

from contextlib import aclosing

import anyio
import h11
import pytest

from crawl import connection as connection_module
from crawl import server as server_module
from crawl.connection import Connection, TooLong
from crawl.server import Answer, HangUp, Server

pytestmark = pytest.mark.anyio


async def echo(target: str) -> Answer:
    return Answer(target.encode(), content_type="text/plain", headers=(("X-Kind", "echo"),))


async def hang_up(target: str) -> Answer:
    raise HangUp


async def test_one_connection_gets_page_after_page(serving) -> None:
    async with serving(echo) as origin, aclosing(await Connection.open(origin)) as connection:
        answers = [await connection.get(target) for target in ("/", "/a?q=1")]

    assert [answer.body for answer in answers] == [b"/", b"/a?q=1"]
    assert answers[0].status == 200
    assert answers[0].headers["content-type"] == "text/plain"
    assert answers[0].headers["x-kind"] == "echo"


async def test_a_connection_that_the_server_closes_is_not_reusable(serving, monkeypatch) -> None:
    monkeypatch.setattr(server_module, "REQUESTS_PER_CONNECTION", 2)

    async with serving(echo) as origin, aclosing(await Connection.open(origin)) as connection:
        await connection.get("/")
        assert connection.is_reusable
        await connection.get("/")
        assert not connection.is_reusable


async def test_a_server_that_hangs_up_is_a_protocol_error(serving) -> None:
    async with serving(hang_up) as origin, aclosing(await Connection.open(origin)) as connection:
        with pytest.raises(h11.RemoteProtocolError):
            await connection.get("/")
        assert not connection.is_reusable


async def test_a_server_that_was_idle_for_long_closes_the_connection(serving, monkeypatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.0)

    async with serving(echo) as origin, await anyio.connect_tcp("127.0.0.1", port_of(origin)) as stream:
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_a_client_that_breaks_the_rules_is_left_and_others_are_served(serving) -> None:
    async with serving(echo) as origin:
        async with await anyio.connect_tcp("127.0.0.1", port_of(origin)) as stream:
            await stream.send(b"this is no HTTP\r\n\r\n")
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
        async with aclosing(await Connection.open(origin)) as connection:
            assert (await connection.get("/")).status == 200


async def test_a_body_that_is_too_long_is_refused(serving, monkeypatch) -> None:
    monkeypatch.setattr(connection_module, "MAX_BYTES", 3)

    async with serving(echo) as origin, aclosing(await Connection.open(origin)) as connection:
        with pytest.raises(TooLong, match="more than 3 bytes"):
            await connection.get("/long")


async def test_a_server_serves_so_many_clients_at_a_time_and_the_others_wait() -> None:
    async with anyio.create_task_group() as tg:
        origin = await tg.start(Server(echo, max_connections=1).run)
        async with aclosing(await Connection.open(origin)) as first:
            await first.get("/")
            second = await Connection.open(origin)
            with anyio.move_on_after(0.05) as scope:
                await second.get("/")
            assert scope.cancelled_caught
        await second.aclose()
        async with aclosing(await Connection.open(origin)) as third:
            assert (await third.get("/")).status == 200
        tg.cancel_scope.cancel()


def port_of(origin: str) -> int:
    return int(origin.rpartition(":")[2])
