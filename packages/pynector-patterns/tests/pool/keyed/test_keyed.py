"""Connections to many hosts."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import ClosedResourceError
from internet import Connection, Internet, use

from pynector.concurrency.patterns import (
    KeyedConnectionPool,
    PoolFactoryError,
    PoolFullError,
    PoolLimits,
    PoolTimeoutError,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import start_budget
from pynector.concurrency.testing import wait_until_blocked

# pyright: reportPrivateUsage=false

pytestmark = pytest.mark.anyio


@pytest.fixture
def internet() -> Internet:
    return Internet()


async def test_each_key_has_its_own_connections(internet: Internet) -> None:
    async with internet.pool(2, 4) as pool:
        for host in ("a", "b", "a", "b"):
            await use(pool, host)

        assert internet.hosts() == {"a": 1, "b": 1}
        assert pool.keys() == ("a", "b")
        assert pool.statistics().reused == 2

    assert internet.open == []


async def test_a_connection_is_given_back_with_release_and_discard(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        first, second = await pool.acquire("a"), await pool.acquire("b")
        await pool.release(first)
        await pool.discard(second)

        assert await pool.acquire("a") is first
        assert internet.hosts() == {"a": 1}


async def test_neither_maximum_is_ever_passed(internet: Internet) -> None:
    async with internet.pool(2, 3) as pool, create_task_group() as tg:
        for number in range(40):
            tg.start_soon(checked, pool, "abcd"[number % 4])

    assert internet.open == []


async def checked(pool: KeyedConnectionPool[str, Connection], host: str) -> None:
    async with pool.acquire(host) as connection:
        hosts = connection.internet.hosts()
        assert hosts.total() <= 3
        assert max(hosts.values()) <= 2
        await anyio.lowlevel.checkpoint()


async def test_an_idle_connection_makes_room_for_another_key(internet: Internet) -> None:
    async with internet.pool(2, 2) as pool:
        await use(pool, "a")
        await use(pool, "b")
        await use(pool, "c")

        assert internet.hosts() == {"b": 1, "c": 1}
        assert pool.keys() == ("b", "c")


async def test_a_key_for_which_nobody_waits_makes_room_though_it_has_no_more_than_another(
    internet: Internet,
) -> None:
    async with internet.pool(2, 3) as pool, create_task_group() as tg:
        first = await pool.acquire("a")
        await pool.acquire("a")
        await pool.acquire("b")
        tg.start_soon(use, pool, "b")
        await wait_until_blocked()
        await pool.release(first)
        await wait_until_blocked()
        assert internet.hosts() == {"a": 1, "b": 2}
        assert pool.statistics().waiting == 0


async def test_a_key_that_has_lent_all_again_makes_no_room(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        await use(pool, "a")
        await use(pool, "b")
        async with pool.acquire("a"):  # which has rested longest
            await use(pool, "c")
            assert internet.hosts() == {"a": 1, "c": 1}


async def test_others_keep_their_connections_while_a_host_is_down_and_there_is_a_place(
    internet: Internet,
) -> None:
    internet.down.add("a")
    async with internet.pool(2, 3) as pool, create_task_group() as tg:
        await use(pool, "b")
        with pytest.raises(OSError, match="a is down"):
            await pool.acquire("a")
        for _ in range(2):  # one tries again, and the other leaves it alone

            async def ask() -> None:
                with suppress(OSError, PoolFactoryError):
                    await pool.acquire("a")

            tg.start_soon(ask)
        await wait_until_blocked()
        assert internet.hosts() == {"b": 1}


async def test_a_busy_key_makes_room_for_one_that_has_nothing(internet: Internet) -> None:
    served: list[str] = []

    async def work(host: str) -> None:
        async with pool.acquire(host):
            served.append(host)
            await wait_until_blocked()

    async with internet.pool(4, 4) as pool, create_task_group() as tg:
        for _ in range(12):
            tg.start_soon(work, "a")
        await anyio.lowlevel.checkpoint()
        tg.start_soon(work, "b")

    assert served.index("b") < 9


async def test_a_key_at_its_maximum_does_not_hold_up_another(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        await pool.acquire("a")
        async with create_task_group() as tg:
            tg.start_soon(use, pool, "a")
            await wait_until_blocked()
            await use(pool, "b")
            tg.cancel_scope.cancel()


async def test_keys_that_wait_get_a_place_in_turn(internet: Internet) -> None:
    served: list[str] = []

    async def work(host: str) -> None:
        async with pool.acquire(host):
            served.append(host)

    async with internet.pool(1, 1) as pool:
        connection = await pool.acquire("a")
        async with create_task_group() as tg:
            for host in "bbbccc":
                tg.start_soon(work, host)
                await wait_until_blocked()
            await pool.discard(connection)

    assert served[0] == "b"
    assert sorted(served) == list("bbbccc")


async def test_a_host_that_is_down_fails_its_own_callers_only(internet: Internet) -> None:
    internet.down = {"a"}
    errors: list[type] = []

    async def work() -> None:
        try:
            await use(pool, "a")
        except (OSError, PoolFactoryError) as error:
            errors.append(type(error))

    async with internet.pool(1, 2) as pool:
        async with create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(work)
            tg.start_soon(use, pool, "b")

        assert len(errors) == 3
        assert pool.keys() == ("b",)


async def test_a_key_without_connections_is_forgotten(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        await pool.discard(await pool.acquire("a"))

        assert pool.keys() == ()
        assert pool.statistics().created == 1
        assert pool.statistics().reused == 0


async def test_a_lease_of_a_key_that_was_forgotten_meanwhile_begins_anew(internet: Internet) -> None:
    async with internet.pool(1, 1) as pool:
        lease = pool.acquire("a")
        await pool.discard(await pool.acquire("a"))
        async with lease as connection:
            assert connection.host == "a"

        assert pool.keys() == ("a",)


async def test_max_waiting_counts_all_keys(internet: Internet) -> None:
    async with internet.pool(1, 1, limits=PoolLimits(max_waiting=1)) as pool:
        connection = await pool.acquire("a")
        async with create_task_group() as tg:
            tg.start_soon(use, pool, "a")
            await wait_until_blocked()
            with pytest.raises(PoolFullError):
                await pool.acquire("b")
            await pool.release(connection)


async def test_a_lease_that_is_refused_keeps_no_key(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        lease = pool.acquire("a")
        await pool.discard(await lease)
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"^this lease was used already"):
                await lease
            with pytest.raises(RuntimeError, match=r"^this lease was used already"):
                async with lease:
                    pass

        assert pool.keys() == ()


def test_a_time_out_tells_the_key(in_virtual_time: Any) -> None:
    async def scenario() -> None:
        async with Internet().pool(1, 2, acquire_timeout=5) as pool:
            connection = await pool.acquire("a")
            with pytest.raises(
                PoolTimeoutError, match=r"^no connection for 'a', which has 1 of at most 1, within 5 s"
            ):
                await pool.acquire("a")
            await pool.release(connection)

    in_virtual_time(scenario)


async def test_expire_all_reaches_all_keys(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        await use(pool, "a")
        connection = await pool.acquire("b")
        await pool.expire_all()
        assert internet.hosts() == {"b": 1}
        await pool.release(connection)

        assert internet.open == []


async def test_a_closed_pool_lends_nothing(internet: Internet) -> None:
    pool = internet.pool(1, 1)
    await use(pool, "a")
    await pool.close()

    for host in "ab":
        with pytest.raises(anyio.ClosedResourceError, match="closed pool cannot be used again"):
            await pool.acquire(host)
    with pytest.raises(anyio.ClosedResourceError):
        await pool.expire_all()


async def test_what_comes_back_after_the_end_is_no_error(internet: Internet) -> None:
    pool = internet.pool(1, 1)
    connection = await pool.acquire("a")
    await pool.close()

    await pool.release(connection)
    assert internet.open == []


async def test_those_who_wait_are_told_of_the_end(internet: Internet) -> None:
    pool = internet.pool(1, 1)
    await pool.acquire("a")

    async def work(host: str) -> None:
        with pytest.raises(anyio.ClosedResourceError):
            await pool.acquire(host)

    async with create_task_group() as tg:
        for host in "ab":
            tg.start_soon(work, host)
        await wait_until_blocked()
        await pool.close(grace=0.001)


@pytest.mark.parametrize("method", ["release", "discard"])
async def test_a_foreign_connection_is_refused(internet: Internet, method: str) -> None:
    async with internet.pool(1, 1) as pool:
        with pytest.raises(RuntimeError, match="does not belong to this pool, or is closed"):
            await getattr(pool, method)(object())


async def test_it_says_what_it_holds(internet: Internet) -> None:
    async with internet.pool(1, 2) as pool:
        await use(pool, "a")
        assert repr(pool).startswith("<KeyedConnectionPool 1 keys, 1 idle, 0 lent")
        with pytest.raises(RuntimeError, match="is entered once"):
            async with pool:
                pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_per_key": 0}, "max_per_key must be >= 1, not 0"),
        ({"max_per_key": 3}, "max_per_key must be <= max_connections, not 3 and 2"),
        ({"limits": PoolLimits(min_size=1)}, "min_size must be 0 in a KeyedConnectionPool, not 1"),
        ({"grace": -1}, "grace must be >= 0 seconds, not -1"),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "max_per_key": 1,
        "max_connections": 2,
        "connection_factory": print,
        **options,
    }

    with pytest.raises(ValueError, match="must") as caught:
        KeyedConnectionPool(**arguments)
    assert str(caught.value) == message


def test_idle_keys_are_forgotten_after_a_minute(in_virtual_time: Callable[..., None]) -> None:
    async def scenario() -> None:
        internet = Internet()
        async with internet.pool(1, 2) as pool:
            await use(pool, "a")
            await anyio.sleep(59)
            assert pool.keys() == ("a",)
            await anyio.sleep(2)
            assert pool.keys() == ()
            assert internet.open == []

    in_virtual_time(scenario)


async def ask_and_be_cancelled_at_a_checkpoint(pool: Any) -> None:
    start_budget(1)
    with anyio.move_on_after(0) as scope:
        await use(pool, "a")
    assert scope.cancelled_caught


async def close_a_lease_that_has_not_begun(pool: Any) -> None:
    pool.acquire("a").close()


async def throw_into_a_lease_that_has_not_begun(pool: Any) -> None:
    with suppress(KeyError):
        pool.acquire("a").throw(KeyError())


@pytest.mark.parametrize(
    "ask",
    [
        ask_and_be_cancelled_at_a_checkpoint,
        close_a_lease_that_has_not_begun,
        throw_into_a_lease_that_has_not_begun,
    ],
)
async def test_a_key_is_not_kept_by_who_asks_for_nothing(ask: Any, internet: Internet) -> None:
    async with internet.pool(1, 1) as pool:
        await ask(pool)
        assert pool.keys() == ()


async def test_a_lease_that_begins_later_finds_the_key_as_it_is_then(internet: Internet) -> None:
    async with internet.pool(1, 4) as pool:
        connection = await pool.acquire("a")
        late = pool.acquire("a").__aenter__()
        await pool.discard(connection)
        assert pool.keys() == ()

        connection = await pool.acquire("a")
        async with create_task_group() as tg:
            tg.start_soon(lambda: late)
            await wait_until_blocked()
            assert pool.statistics().waiting == 1
            await pool.release(connection)
        assert internet.hosts() == {"a": 1}


async def test_a_lease_that_begins_after_the_end_is_refused(internet: Internet) -> None:
    async with internet.pool(1, 1) as pool:
        late = pool.acquire("a").__aenter__()
    with pytest.raises(ClosedResourceError):
        await late
    assert internet.open == []


async def test_one_connection_for_two_keys_is_refused() -> None:
    async def connect(_: str) -> str:
        return "the same"

    async with KeyedConnectionPool(max_per_key=1, max_connections=2, connection_factory=connect) as pool:
        await pool.acquire("a")
        with pytest.raises(RuntimeError, match=r"^connection_factory gave 'the same' a second time"):
            await pool.acquire("b")
        assert pool.keys() == ("a",)


async def test_a_place_for_which_an_idle_connection_is_closed_is_not_waited_for(internet: Internet) -> None:
    async with internet.pool(1, 2, limits=PoolLimits(max_waiting=0)) as pool:
        for host in "abc":
            await use(pool, host)
        assert pool.keys() == ("b", "c")

        async with pool.acquire("b"), pool.acquire("c"):
            with pytest.raises(PoolFullError):
                await pool.acquire("a")


async def test_another_thread_is_refused_whatever_the_key(
    internet: Internet, anyio_backend_name: str
) -> None:
    async with internet.pool(1, 2) as pool:
        connection = await pool.acquire("a")
        with anyio.move_on_after(0):
            await pool.acquire("a")  # from now on it belongs to this thread

        for call in lambda: pool.acquire("b"), pool.expire_all, pool.close:

            async def elsewhere(call: Any = call) -> None:
                await call()

            with pytest.raises(RuntimeError, match=r"^ConnectionPool: .* in thread .*; it belongs to"):
                await anyio.to_thread.run_sync(partial(anyio.run, elsewhere, backend=anyio_backend_name))
        assert pool.keys() == ("a",)
        await pool.release(connection)
