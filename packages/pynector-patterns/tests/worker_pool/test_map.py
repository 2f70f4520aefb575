"""What `WorkerPool.map` promises."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import WorkerPool
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def fail(number: int) -> None:
    raise ValueError(number)


async def test_map_returns_the_results_in_order() -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(20):
            yield number

    async with WorkerPool(3, double, max_queue=2) as pool:
        assert await pool.map(range(20)) == [2 * number for number in range(20)]
        assert await pool.map(numbers()) == [2 * number for number in range(20)]


async def test_map_cancels_the_others_when_one_fails() -> None:
    begun: list[int] = []
    running: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise ValueError("two")
        if number > 2:
            running.append(number)
            try:
                await anyio.sleep_forever()
            finally:
                running.remove(number)

    async with WorkerPool(2, work, max_queue=None) as pool:
        with pytest.raises(ValueError, match="two"):
            await pool.map(range(1000))
        assert not running

    assert len(begun) < 1000


async def test_map_notices_a_failure_before_the_input_ends() -> None:
    taken, is_closed = 0, False

    async def work(_: int) -> None:
        raise ValueError

    async def numbers() -> AsyncIterator[int]:
        nonlocal is_closed, taken
        try:
            while True:
                taken += 1
                yield taken
        finally:
            is_closed = True

    async with WorkerPool(1, work, max_queue=5) as pool:
        with pytest.raises(ValueError):  # noqa: PT011
            await pool.map(numbers())
        assert is_closed
        for _ in range(100):
            await checkpoint()
        with pytest.raises(ExceptionGroup):
            await pool.stop()


async def test_cancelled_map_cancels_its_items_and_waits_for_them() -> None:
    running = 0

    async def work(_: int) -> None:
        nonlocal running
        running += 1
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
            running -= 1

    async with WorkerPool(3, work) as pool:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tg:
                tg.start_soon(pool.map, range(10))
                await wait_until_blocked()
                scope.cancel()
        assert running == 0
        assert pool.statistics().queued == 0

    assert pool.unprocessed == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("ends", ["failure", "cancellation"])
async def test_an_input_that_is_a_generator_is_closed(ends: str, is_async: bool) -> None:
    closed: list[int] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(1)

    async def async_numbers() -> AsyncIterator[int]:
        try:
            for number in range(1000):
                yield number
        finally:
            await checkpoint()
            closed.append(1)

    async def work(number: int) -> None:
        await (fail(number) if ends == "failure" else anyio.sleep_forever())

    generator = async_numbers() if is_async else numbers()
    async with WorkerPool(1, work, max_queue=5, on_error="log") as pool, anyio.create_task_group() as tg:

        async def use() -> None:
            if ends == "failure":
                with pytest.raises(ValueError, match="0"):
                    await pool.map(generator)
            else:
                await pool.map(generator)
            tg.cancel_scope.cancel()

        tg.start_soon(use)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert closed == [1]


@pytest.mark.parametrize("error", [None, ValueError])
async def test_an_error_of_closing_the_input_comes_after_that_of_an_item(
    error: type[Exception] | None,
) -> None:
    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            raise OSError("disk")

    async def use() -> None:
        if error is None:
            with pytest.raises(OSError, match="disk"):
                await pool.map(numbers())
        else:
            with pytest.raises(error) as caught:
                await pool.map(numbers())
            assert caught.value.__notes__ == ["closing the input failed, too: OSError: disk"]
        seen.append(1)

    async def work(number: int) -> None:
        await (fail(number) if error else anyio.sleep_forever())

    seen: list[int] = []
    async with WorkerPool(1, work, max_queue=1, on_error="log") as pool, anyio.create_task_group() as tg:
        tg.start_soon(use)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert seen == [1]


async def test_an_error_in_the_clean_up_of_an_item_comes_before_a_cancellation_of_the_map() -> None:
    async def work(_: int) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("rollback failed")

    async def use() -> None:
        with pytest.raises(ValueError, match=r"^rollback failed$"):
            await pool.map([1])
        with pytest.raises(anyio.get_cancelled_exc_class()):
            await checkpoint()
        seen.append(1)

    seen: list[int] = []
    async with WorkerPool(1, work) as pool, anyio.create_task_group() as tg:
        tg.start_soon(use)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert seen == [1]


@pytest.mark.on("asyncio")
@pytest.mark.parametrize("what", ["map", "block"])
async def test_an_error_comes_before_a_native_cancellation_which_is_not_lost(what: str) -> None:
    async def work(_: int) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("rollback failed")

    async def use() -> None:
        async with WorkerPool(1, work) as pool:
            if what == "map":
                await pool.map([1])
            else:
                await pool.submit(1)
                await anyio.sleep_forever()

    async def victim() -> None:
        with pytest.raises(ExceptionGroup if what == "block" else ValueError):
            await use()
        if sys.version_info >= (3, 13):  # before, one that is asked for again could not be taken back
            with pytest.raises(asyncio.CancelledError):
                await checkpoint()
        seen.append(1)

    seen: list[int] = []
    task = asyncio.create_task(victim())
    await wait_until_blocked()
    task.cancel()
    await asyncio.wait([task])

    assert seen == [1]
