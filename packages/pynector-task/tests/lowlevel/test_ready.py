"""READY is awaited or not: it is done."""

import asyncio
import inspect

import anyio
import pytest

from pynector.concurrency.task.lowlevel import READY

pytestmark = pytest.mark.anyio


async def test_awaiting_gives_none_as_often_as_one_likes() -> None:
    assert await READY is None
    assert await READY is None


async def test_awaiting_is_no_checkpoint() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await READY

    assert not scope.cancelled_caught


async def test_many_tasks_await_it_at_once() -> None:
    async def wait() -> None:
        await READY
        await anyio.lowlevel.checkpoint()
        await READY

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(wait)


async def test_it_can_be_told_that_it_can_be_awaited() -> None:
    assert inspect.isawaitable(READY)


def test_asyncio_makes_a_task_of_it() -> None:
    async def main() -> None:
        assert await asyncio.wait_for(READY, 1) is None
        assert await asyncio.gather(READY, READY) == [None, None]

    asyncio.run(main())
