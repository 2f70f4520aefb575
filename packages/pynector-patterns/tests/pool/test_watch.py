"""What is to be seen of a pool."""

import gc
import logging
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import ConnectionPool, PoolEvent, PoolTimeoutError, PoolWatch, RetryPolicy
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


def test_statistics(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(2) as pool:
            first, second = await pool.acquire(), await pool.acquire()
            async with create_task_group() as tg:
                waiter = tg.create_task(pool.acquire())
                await anyio.sleep(1)
                now = pool.statistics()
                assert (now.max_connections, now.open, now.lent, now.idle, now.waiting) == (2, 2, 2, 0, 1)
                await pool.release(first)
                await waiter
            await pool.release(first)
            await pool.discard(second)

            total = pool.statistics()
            assert (total.created, total.reused, total.discarded, total.waited) == (2, 1, 1, 1)
            assert (total.wait_seconds, total.hold_seconds) == (None, None)

    in_virtual_time(scenario)


def test_times(world: Any, in_virtual_time: Any) -> None:
    async def scenario() -> None:
        world.reset()
        async with world.pool(watch=PoolWatch(timed=True)) as pool:
            async with create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(hold, pool, 10)

            assert pool.statistics().hold_seconds == pytest.approx(30)
            assert pool.statistics().wait_seconds == pytest.approx(30)

    in_virtual_time(scenario)


async def hold(pool: Any, seconds: float) -> None:
    async with pool.acquire():
        await anyio.sleep(seconds)


def test_events(world: Any, in_virtual_time: Any) -> None:
    events: list[PoolEvent] = []

    async def scenario() -> None:
        world.reset()
        events.clear()
        world.failures = [OSError("refused")]
        async with world.pool(watch=PoolWatch(on_event=events.append), acquire_timeout=3) as pool:
            with pytest.raises(OSError, match="refused"):
                await pool.acquire()
            world.takes = 2
            async with pool.acquire():
                with pytest.raises(PoolTimeoutError):
                    await pool.acquire()

        assert [(event.kind, round(event.seconds)) for event in events] == [
            ("open_failed", 0),
            ("opened", 2),
            ("lent", 2),
            ("timed_out", 3),
            ("returned", 3),
            ("closed", 0),
        ]
        assert str(events[0].error) == "refused"
        assert events[1].connection is world.opened[0]

    in_virtual_time(scenario)


def test_events_of_what_goes_wrong(world: Any, in_virtual_time: Any) -> None:
    events: list[str] = []

    def note(event: PoolEvent) -> None:
        events.append(f"{event.kind}: {event.error}")

    def refuse(connection: object) -> bool:
        return False

    async def scenario() -> None:
        world.reset()
        events.clear()
        async with world.pool(watch=PoolWatch(on_event=note), check=refuse) as pool:
            await pool.release(await pool.acquire())
            await pool.acquire()
        async with world.pool(watch=PoolWatch(on_event=note), reset=refuse) as pool:
            await pool.release(await pool.acquire())

        assert "check_failed: refuse() gave False" in events
        assert "reset_failed: refuse() gave False" in events

    in_virtual_time(scenario)


def test_a_connection_that_does_not_close_is_an_event(in_virtual_time: Any) -> None:
    events: list[PoolEvent] = []

    class Stubborn:
        async def close(self) -> None:
            await anyio.sleep_forever()

    async def connect() -> Stubborn:
        return Stubborn()

    async def scenario() -> None:
        events.clear()
        watch = PoolWatch(on_event=events.append)
        async with ConnectionPool(max_connections=1, connection_factory=connect, watch=watch) as pool:
            await pool.acquire()

        assert events[-1].kind == "close_failed"
        assert str(events[-1].error) == "not closed within 5.0 s"

    in_virtual_time(scenario)


def test_an_error_of_on_event_is_logged_and_goes_no_further(
    world: Any, in_virtual_time: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: PoolEvent) -> None:
        raise ValueError(event.kind)

    async def scenario() -> None:
        world.reset()
        async with world.pool(watch=PoolWatch(on_event=fail)) as pool:
            async with pool.acquire():
                pass

    in_virtual_time(scenario)
    assert "on_event of a connection pool failed" in caplog.text
    assert "ValueError: returned" in caplog.text


def test_a_leak_is_reported_once_with_the_stack_that_acquired(
    world: Any, in_virtual_time: Any, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[PoolEvent] = []

    async def forgetful(pool: Any) -> None:
        await pool.acquire()

    async def scenario() -> None:
        world.reset()
        caplog.clear()
        events.clear()
        async with world.pool(2, watch=PoolWatch(leak_after=60, on_event=events.append)) as pool:
            await forgetful(pool)
            await anyio.sleep(59)
            assert caplog.records == []
            await hold(pool, 30)
            await anyio.sleep(1000)

    in_virtual_time(scenario)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "has been lent for 60.0 s" in record.message
    assert "in forgetful" in record.message
    assert [event.kind for event in events].count("leaked") == 1


def test_a_leak_is_reported_with_the_calls_of_the_user_in_order(
    world: Any, in_virtual_time: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def inner(pool: Any) -> None:
        await pool.acquire()

    async def outer(pool: Any) -> None:
        await RetryPolicy()(inner, pool)

    async def scenario() -> None:
        world.reset()
        caplog.clear()
        async with world.pool(watch=PoolWatch(leak_after=1)) as pool:
            await outer(pool)
            await anyio.sleep(2)

    in_virtual_time(scenario)
    (record,) = caplog.records
    lines = [line for line in record.message.splitlines() if line.startswith("  File")]
    assert [line.rpartition(" in ")[2] for line in lines] == ["scenario", "outer", "inner"]
    assert len(lines) == 3


@pytest.mark.parametrize("hook", ["check", "reset", "close"])
async def test_a_hook_that_fails_is_told_of_once(world: Any, hook: str, caplog: Any) -> None:
    def fail(connection: Any = None) -> Any:
        raise AttributeError(f"no such {hook}")

    async def connect() -> Any:
        connection = await world.connect()
        if hook == "close":
            connection.close = fail
        return connection

    options: dict[str, Any] = {} if hook == "close" else {hook: fail}
    async with ConnectionPool(max_connections=1, connection_factory=connect, **options) as pool:
        for _ in range(3):
            async with pool.acquire():
                pass
            if hook == "close":
                await pool.expire_all()

    assert pool.statistics().created >= 2
    (record,) = [each for each in caplog.records if each.name == "pynector.concurrency.patterns"]
    assert record.message.startswith(f"{hook} of a connection pool failed for <Connection 1>")
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == f"no such {hook}"


@pytest.mark.parametrize("answer", [lambda _: False, lambda connection: connection.ping()])
async def test_a_check_that_finds_a_dead_connection_is_no_news(answer: Any, caplog: Any) -> None:
    class Dead:
        def ping(self) -> None:
            raise ConnectionResetError

    async def connect() -> Dead:
        return Dead()

    async with ConnectionPool(max_connections=1, connection_factory=connect, check=answer) as pool:
        for _ in range(2):
            async with pool.acquire():
                pass

    assert pool.statistics().created == 2
    assert caplog.records == []


async def test_who_looks_at_events_is_told_of_hooks_there_and_not_in_the_log(world: Any, caplog: Any) -> None:
    def fail(connection: Any) -> Any:
        raise AttributeError

    events: list[PoolEvent] = []
    async with world.pool(check=fail, watch=PoolWatch(on_event=events.append)) as pool:
        for _ in range(2):
            async with pool.acquire():
                pass

    assert [event.kind for event in events].count("check_failed") == 1
    assert caplog.records == []


async def test_a_pool_that_is_never_closed_is_told_of(world: Any) -> None:
    async def forget() -> None:
        async with world.pool().acquire():
            pass
        gc.collect()

    with pytest.warns(ResourceWarning, match="a connection pool was never closed, nor its 1 connections"):
        await forget()


async def test_a_pool_without_open_connections_need_not_be_closed(world: Any, recwarn: Any) -> None:
    pool = world.pool()
    await pool.discard(await pool.acquire())
    del pool
    gc.collect()

    assert list(recwarn) == []


@pytest.mark.parametrize(("lent_at", "leak_after"), [(0.4, 1.0), (0.2, 0.5), (2.1, 2.0)])
def test_a_leak_is_reported_at_its_time_though_that_is_no_round_number(
    world: Any, in_virtual_time: Any, lent_at: float, leak_after: float
) -> None:
    events: list[str] = []

    async def scenario() -> None:
        world.reset()
        events.clear()
        watch = PoolWatch(on_event=lambda event: events.append(event.kind), leak_after=leak_after)
        async with world.pool(watch=watch) as pool:
            await anyio.sleep(lent_at)
            async with pool.acquire():
                await anyio.sleep(5)

    in_virtual_time(scenario)
    assert events == ["opened", "lent", "leaked", "returned", "closed"]


async def test_an_event_sees_the_lease_that_it_tells_of(world: Any) -> None:
    def on_event(event: PoolEvent) -> None:
        seen.append((event.kind, pool.statistics().reused))

    seen: list[tuple[str, int]] = []
    async with world.pool(watch=PoolWatch(on_event=on_event)) as pool:
        for _ in range(2):
            async with pool.acquire():
                pass
    assert [reused for kind, reused in seen if kind == "lent"] == [0, 1]


async def test_who_waited_in_vain_does_not_count_as_a_lease_that_waited(world: Any) -> None:
    async with world.pool() as pool:
        connection = await pool.acquire()
        world.failures = [OSError("refused")]
        async with create_task_group() as tg:
            waiter = tg.create_task(refused(pool))
            await wait_until_blocked()
            await pool.discard(connection)
            await waiter
        assert pool.statistics().waited == 0


async def refused(pool: Any) -> None:
    with pytest.raises(OSError, match=r"^refused$"):
        await pool.acquire()
