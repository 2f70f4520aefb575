"""`check` before lending, `reset` after."""

from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import PoolTimeoutError
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


class Hook:
    """Notes what it is called with, and answers as it is told."""

    def __init__(self, *answers: object) -> None:
        self.called: list[int] = []
        self.answers = list(answers)

    def __call__(self, connection: Any) -> object:
        self.called.append(connection.number)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def wait(self, connection: Any) -> object:
        await anyio.lowlevel.checkpoint()
        return self(connection)


@pytest.mark.parametrize("is_async", [True, False])
async def test_check_is_called_before_each_lease_but_the_first(world: Any, is_async: bool) -> None:
    hook = Hook()
    async with world.pool(check=hook.wait if is_async else hook) as pool:
        for _ in range(3):
            async with pool.acquire():
                pass

    assert hook.called == [1, 1]


@pytest.mark.parametrize("answer", [False, OSError("dead")])
async def test_a_connection_that_fails_its_check_is_replaced(world: Any, answer: object) -> None:
    async with world.pool(check=Hook(answer)) as pool:
        await pool.release(await pool.acquire())

        assert (await pool.acquire()).number == 2
        assert world.open == [2]


@pytest.mark.virtual_time
async def test_check_counts_in_acquire_timeout(world: Any) -> None:
    async def check(connection: object) -> None:
        await anyio.sleep_forever()

    async with world.pool(check=check, acquire_timeout=0.01) as pool:
        await pool.release(await pool.acquire())

        with pytest.raises(PoolTimeoutError):
            await pool.acquire()
        assert pool.statistics().open == 0


@pytest.mark.virtual_time
async def test_cancelled_in_check_closes_the_connection(world: Any) -> None:
    async def check(connection: object) -> None:
        await anyio.sleep_forever()

    async with world.pool(check=check) as pool:
        await pool.release(await pool.acquire())
        with anyio.move_on_after(0.01):
            await pool.acquire()

        assert (world.open, pool.statistics().closing) == ([], 0)


async def test_closing_the_pool_during_check_fails_the_caller(world: Any) -> None:
    event = anyio.Event()

    async def check(connection: object) -> None:
        await event.wait()

    async def work() -> None:
        with pytest.raises(anyio.ClosedResourceError):
            await pool.acquire()

    async with create_task_group() as tg:
        async with world.pool(check=check) as pool:
            await pool.release(await pool.acquire())
            tg.start_soon(work)
            await wait_until_blocked()
        event.set()

    assert world.open == []


@pytest.mark.parametrize("is_async", [True, False])
async def test_reset_is_called_after_each_lease(world: Any, is_async: bool) -> None:
    hook = Hook()
    async with world.pool(reset=hook.wait if is_async else hook) as pool:
        await pool.release(await pool.acquire())
        async with pool.acquire():
            pass

        assert hook.called == [1, 1]
        assert pool.statistics().idle == 1


@pytest.mark.parametrize("answer", [False, OSError("dead")])
async def test_a_connection_that_fails_its_reset_is_closed(world: Any, answer: object) -> None:
    async with world.pool(reset=Hook(answer)) as pool:
        await pool.release(await pool.acquire())

        assert world.open == []


async def test_a_lease_that_failed_is_kept_if_reset_succeeds(world: Any) -> None:
    async with world.pool(reset=Hook()) as pool:
        with pytest.raises(ValueError, match="mine"):
            async with pool.acquire():
                raise ValueError("mine")

        assert (await pool.acquire()).number == 1


async def test_reset_runs_to_its_end_when_the_lease_was_cancelled(world: Any) -> None:
    hook = Hook()
    async with world.pool(reset=hook.wait) as pool:
        with anyio.CancelScope() as scope:
            async with pool.acquire():
                scope.cancel()
                await anyio.sleep_forever()

        assert hook.called == [1]
        assert pool.statistics().idle == 1


@pytest.mark.virtual_time
async def test_reset_is_limited_in_time(world: Any) -> None:
    async def reset(connection: object) -> None:
        await anyio.sleep_forever()

    async with world.pool(reset=reset, close_timeout=0.01) as pool:
        await pool.release(await pool.acquire())

        assert world.open == []


async def test_releasing_during_reset_is_refused(world: Any) -> None:
    event = anyio.Event()

    async def reset(connection: object) -> None:
        await event.wait()

    async with world.pool(reset=reset) as pool, create_task_group() as tg:
        connection = await pool.acquire()
        tg.start_soon(pool.release, connection)
        await wait_until_blocked()
        with pytest.raises(RuntimeError, match="it was given back before"):
            await pool.release(connection)
        event.set()


async def test_closing_the_pool_during_reset_closes_once(world: Any) -> None:
    event = anyio.Event()

    async def reset(connection: object) -> None:
        await event.wait()

    async with create_task_group() as tg:
        async with world.pool(reset=reset) as pool:
            connection = await pool.acquire()
            tg.start_soon(pool.release, connection)
            await wait_until_blocked()
        event.set()

    assert pool.statistics().discarded == 1


async def test_a_connection_that_expires_during_its_check_is_replaced(world: Any) -> None:
    async def check(connection: object) -> None:
        await pool.expire_all()

    async with world.pool(check=check) as pool:
        await pool.release(await pool.acquire())

        assert (await pool.acquire()).number == 2


@pytest.mark.parametrize("which", ["check", "reset"])
async def test_a_hook_that_is_interrupted_closes_the_connection(world: Any, which: str) -> None:
    def hook(connection: object) -> None:
        raise KeyboardInterrupt

    async with world.pool(**{which: hook}) as pool:
        connection = await pool.acquire()
        with pytest.raises(KeyboardInterrupt):
            await pool.release(connection)
            await pool.acquire()

        assert (world.open, pool.statistics().closing) == ([], 0)
