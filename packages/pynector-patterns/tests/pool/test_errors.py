"""What a pool says of errors: as they are, once, and to whom they matter."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolEvent, PoolTimeoutError, PoolWatch
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


class Outcome(BaseException):
    """As those of `pytest.fail` and `pytest.skip`."""


class Empty(Exception):
    def __len__(self) -> int:
        return 0


class Connection:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    async def close(self) -> None:
        if self.error is not None:
            raise self.error


def managed(error: BaseException) -> Callable[[], Any]:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        raise error
        yield

    return connect


def function(error: BaseException) -> Callable[[], Any]:
    async def connect() -> Connection:
        raise error

    return connect


@pytest.mark.parametrize("error", [Outcome(), Empty(), SystemExit(3)], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("factory", [function, managed])
async def test_the_error_of_a_factory_is_raised_as_it_is(
    factory: Callable[[BaseException], Callable[[], Any]], error: BaseException
) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=factory(error)) as pool:
        with pytest.raises(type(error)) as caught:
            await pool.acquire()

        assert caught.value is error
        assert pool.statistics().opening == 0


@pytest.mark.parametrize("factory", [function, managed])
async def test_groups_of_one_error_leave_a_factory_unwrapped(factory: Any) -> None:
    error = ConnectionError("refused")
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [error])])
    async with ConnectionPool(max_connections=1, connection_factory=factory(group)) as pool:
        with pytest.raises(ConnectionError) as caught:
            await pool.acquire()

    assert caught.value is error


async def test_what_closing_raises_that_is_no_exception_reaches_whoever_waits_for_it() -> None:
    async def connect() -> Connection:
        return Connection(Outcome())

    pool = ConnectionPool(max_connections=1, connection_factory=connect)
    connection = await pool.acquire()

    with pytest.raises(Outcome):
        await pool.discard(connection)
    await pool.close()


async def test_what_a_hook_raises_that_is_no_exception_reaches_whoever_closes_the_pool() -> None:
    def on_event(event: PoolEvent) -> None:
        if event.kind == "lent":
            raise Outcome

    async def connect() -> Connection:
        return Connection()

    pool = ConnectionPool(max_connections=1, connection_factory=connect, watch=PoolWatch(on_event=on_event))
    await pool.release(await pool.acquire())

    with pytest.raises(Outcome):
        await pool.close()
    assert pool.statistics().open == 0


async def test_a_connection_whose_close_method_cannot_be_read_is_closed_by_another() -> None:
    closed = False

    class Odd:
        @property
        def aclose(self) -> object:
            raise RuntimeError("not here")

        def close(self) -> None:
            nonlocal closed
            closed = True

    async def connect() -> Odd:
        return Odd()

    async with ConnectionPool(max_connections=1, connection_factory=connect) as pool:
        await pool.release(await pool.acquire())

    assert closed


async def test_a_death_while_lent_is_reported_once_and_noted_in_the_error_of_the_block() -> None:
    events: list[str] = []
    die = anyio.Event()

    @asynccontextmanager
    async def connect() -> AsyncIterator[str]:
        async with anyio.create_task_group() as tg:

            async def session() -> None:
                await die.wait()
                raise ConnectionResetError("by peer")

            tg.start_soon(session)
            yield "connection"

    watch = PoolWatch(on_event=lambda event: events.append(event.kind))
    async with ConnectionPool(max_connections=1, connection_factory=connect, watch=watch) as pool:
        with pytest.raises(KeyError) as caught:
            async with pool.acquire():
                die.set()
                await wait_until_blocked()
                raise KeyError("answer")

    (note,) = caught.value.__notes__
    assert note.startswith("the connection ended while it was lent: ")
    assert events.count("broken") == 1
    assert "close_failed" not in events


@pytest.mark.parametrize("form", ["factory", "close"])
async def test_closing_a_pool_from_the_inside_is_refused_at_once(form: str) -> None:
    refused: list[str] = []

    async def close_pool() -> None:
        try:
            await pool.close()
        except RuntimeError as error:
            refused.append(str(error))

    class Inside(Connection):
        async def close(self) -> None:
            if form == "close":
                await close_pool()

    async def connect() -> Inside:
        if form == "factory":
            await close_pool()
        return Inside()

    pool: ConnectionPool[Inside] = ConnectionPool(max_connections=1, connection_factory=connect)
    await pool.discard(await pool.acquire())
    await pool.close()

    (text,) = refused
    assert text.endswith("call it from another task")


async def test_a_time_out_says_for_how_long_and_to_which_task_each_connection_is_lent() -> None:
    async def connect() -> Connection:
        return Connection()

    async def hold(pool: ConnectionPool[Connection]) -> None:
        async with pool.acquire():
            await anyio.sleep_forever()

    async with (
        ConnectionPool(max_connections=2, connection_factory=connect, acquire_timeout=0.01) as pool,
        create_task_group() as tg,
    ):
        tg.start_soon(hold, pool, name="holder")
        await wait_until_blocked()
        await pool.acquire()  # and it is lost
        with pytest.raises(PoolTimeoutError) as caught:
            await pool.acquire()
        tg.cancel()

    (note,) = caught.value.__notes__
    assert "has been lent for at least 0.0 s, to task '" in note
    assert " at test_errors.py:" in note
    assert "to no task that has it in a variable: is it never given back?" in note
