"""Who is told of an item that fails: whoever waits for it, whoever stops the pool, or else the log."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
import trio

from pynector.concurrency.patterns import ItemHandle, ItemStatus, WorkerPool
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import cancel_everywhere, explore, wait_until_blocked

pytestmark = pytest.mark.anyio

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])

Scenario = Callable[[], Coroutine[Any, Any, None]]

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def fail(item: object) -> None:
    raise ValueError(item)


async def fail_later(_: int) -> None:
    await anyio.sleep(1)
    raise ValueError("of the item")


class Told:
    """Awaits a handle, and ends a pool; and keeps account of who was told of the error."""

    def __init__(self) -> None:
        self.pool: WorkerPool[int, None] = WorkerPool(1, fail_later)
        self.who: list[str] = []

    async def wait(self, handle: ItemHandle[int, None], *, attempt: Callable[..., Awaitable[Any]]) -> None:
        async def victim() -> None:
            try:
                await attempt(handle)
            except ValueError:
                self.who.append("waiter")

        async with create_task_group() as tg:
            tg.start_soon(victim)

    async def use(self, end: Callable[..., Awaitable[Any]], *attempts: Callable[..., Awaitable[Any]]) -> None:
        async with create_task_group() as tg:
            try:
                await end(self, tg, attempts)
            except ExceptionGroup as group:
                self.who += ["stopper"] * len(group.exceptions)


async def leave_block(told: Told, tg: Any, attempts: Any) -> None:
    async with told.pool:
        await submit_one(told, tg, attempts)


async def stop_inside(told: Told, tg: Any, attempts: Any) -> None:
    async with told.pool:
        await submit_one(told, tg, attempts)
        await told.pool.stop()


async def start_and_stop(told: Told, tg: Any, attempts: Any) -> None:
    await told.pool.start()
    await submit_one(told, tg, attempts)
    await told.pool.stop()


async def submit_one(told: Told, tg: Any, attempts: Any) -> None:
    handle = await told.pool.submit(1)
    for attempt in attempts:
        tg.start_soon(lambda attempt=attempt: told.wait(handle, attempt=attempt))
    await anyio.sleep(0.5)


async def awaiting(handle: ItemHandle[int, None]) -> None:
    await handle


async def awaiting_for_a_second(handle: ItemHandle[int, None]) -> None:
    with anyio.move_on_after(1):  # just when the item fails
        await handle


ends = pytest.mark.parametrize("end", [leave_block, stop_inside, start_and_stop])


@ends
@backends
def test_who_awaits_the_handle_is_told_and_nobody_else(end: Any, backend: str) -> None:
    async def scenario() -> None:
        told = Told()
        await told.use(end, awaiting, ItemHandle.wait)
        assert told.who == ["waiter"]

    explore(scenario, schedules=100, backend=backend).check()


@ends
@backends
def test_who_only_waits_for_the_end_of_an_item_is_not_told(end: Any, backend: str) -> None:
    async def scenario() -> None:
        told = Told()
        await told.use(end, ItemHandle.wait)
        assert told.who == ["stopper"]

    explore(scenario, schedules=50, backend=backend).check()


@ends
@backends
def test_if_who_awaits_the_handle_is_cancelled_who_ends_the_pool_is_told(end: Any, backend: str) -> None:
    async def scenario() -> None:
        told = Told()
        await told.use(end, awaiting_for_a_second)
        assert len(told.who) == 1

    explore(scenario, schedules=100, backend=backend).check()


@ends
@backends
def test_one_is_told_wherever_who_awaits_the_handle_is_cancelled(end: Any, backend: str) -> None:
    async def scenario() -> None:
        told = Told()
        await told.use(end, awaiting)
        assert len(told.who) == 1

    victims = lambda name: name.endswith("victim")  # noqa: E731
    cancel_everywhere(scenario, victims=victims, orders=5, backend=backend).check()


async def clean_up_badly(item: str) -> str:
    async def child() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("clean-up")

    if item == "other":
        await anyio.sleep(0.02)
        return "fine"
    async with anyio.create_task_group() as tg:
        tg.start_soon(child)
        tg.start_soon(anyio.sleep_forever)
    raise AssertionError


async def test_an_error_in_the_clean_up_of_a_cancelled_item_is_the_items_and_stops_no_other() -> None:
    async with WorkerPool(2, clean_up_badly) as pool:
        handle, other = await pool.submit("item"), await pool.submit("other")
        await wait_until_blocked()
        handle.cancel()
        with pytest.raises(ExceptionGroup) as caught:
            await handle
        assert await other == "fine"

    assert [str(error) for error in caught.value.exceptions] == ["clean-up"]
    assert handle.status is ItemStatus.FAILED
    assert (pool.statistics().failed, pool.statistics().cancelled) == (1, 0)


@pytest.mark.virtual_time
async def test_nor_if_the_pool_is_cancelled_from_outside() -> None:
    pool = WorkerPool(2, clean_up_badly)
    with anyio.move_on_after(0.01) as scope:
        async with pool:
            handle = await pool.submit("item")

    assert scope.cancelled_caught
    assert [str(error) for error in getattr(handle.exception, "exceptions", ())] == ["clean-up"]
    assert pool.unprocessed == []


async def open_nursery(_: str) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(trio.sleep_forever)


@pytest.mark.on("trio")
@pytest.mark.parametrize("way", ["handle", "stop", "scope"])
async def test_a_group_of_cancellations_is_a_cancellation(way: str) -> None:
    pool = WorkerPool(1, open_nursery)
    if way == "scope":
        with anyio.CancelScope() as scope:
            async with pool:
                handle, queued = await pool.submit("item"), await pool.submit("queued")
                await wait_until_blocked()
                scope.cancel()
    else:
        await pool.start()
        handle = await pool.submit("item")
        await wait_until_blocked()
        if way == "handle":
            handle.cancel()
            with pytest.raises(anyio.TaskCancelled):
                await handle
        queued = await pool.submit("queued")
        await pool.stop(grace=0)

    assert handle.status is queued.status is ItemStatus.CANCELLED
    assert pool.unprocessed == (["queued"] if way == "handle" else ["item", "queued"])
    assert (pool.statistics().failed, pool.statistics().cancelled) == (0, 2)


async def interrupt_in_a_group(_: int) -> None:
    try:
        await anyio.sleep_forever()
    except BaseException as error:
        raise BaseExceptionGroup("both", [error, KeyboardInterrupt()]) from None


@pytest.mark.on("trio")
async def test_what_is_no_exception_leaves_the_block_also_beside_a_cancellation() -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        async with WorkerPool(1, interrupt_in_a_group) as pool:
            handle = await pool.submit(1)
            await wait_until_blocked()
            handle.cancel()
            await anyio.sleep_forever()

    assert caught.group_contains(KeyboardInterrupt)
    assert handle.status is ItemStatus.FAILED


@pytest.mark.virtual_time
@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("where", ["in the block", "leaving it"])
async def test_errors_that_nobody_was_told_of_are_logged_where_the_block_is_cancelled(
    where: str, failing: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(item: int) -> None:
        await (fail(item) if item < failing else anyio.sleep_forever())

    with anyio.move_on_after(0.02) as scope:
        async with WorkerPool(4, work) as pool:
            for item in range(4):
                await pool.submit(item)
            if where == "in the block":
                await anyio.sleep_forever()

    assert scope.cancelled_caught
    (record,) = caplog.records
    count = "1 item" if failing == 1 else "2 items"
    assert (record.name, record.levelno) == ("pynector.concurrency.patterns", logging.ERROR)
    assert record.message == (
        f"{count} of a worker pool failed, and its block was cancelled before anybody was told"
    )
    assert record.exc_info is not None
    error = record.exc_info[1]
    assert [str(one) for one in getattr(error, "exceptions", (error,))] == ["0", "1"][:failing]


@pytest.mark.virtual_time
async def test_nothing_is_logged_where_all_was_told(caplog: pytest.LogCaptureFixture) -> None:
    with anyio.move_on_after(0.02):
        async with WorkerPool(1, fail) as pool:
            handle = await pool.submit(1)
            with pytest.raises(ValueError, match="1"):
                await handle
            await anyio.sleep_forever()

    assert not caplog.records


@pytest.mark.parametrize("predecessor", [True, False])
async def test_on_error_sees_the_context_of_its_item(predecessor: bool) -> None:
    seen: list[tuple[str, str]] = []

    async def work(item: str) -> None:
        if item == "predecessor":
            variable.set("of the predecessor")
            return
        seen.append((item, variable.get()))
        raise ValueError

    async with WorkerPool(1, work, on_error=lambda item, _: seen.append((item, variable.get()))) as pool:
        if predecessor:
            await pool.submit("predecessor")
        token = variable.set("of the submitter")
        await pool.submit("item")
        variable.reset(token)

    assert seen == [("item", "of the submitter")] * 2


async def test_who_waits_for_room_is_told_why_the_pool_was_cancelled() -> None:
    async def submit() -> None:
        with pytest.raises(anyio.ClosedResourceError, match=r"^worker pool is stopped") as caught:
            await pool.submit(3)
        assert isinstance(caught.value.__cause__, ValueError)

    may_fail = anyio.Event()

    async def work(item: int) -> None:
        await may_fail.wait()
        await fail(item)

    async with anyio.create_task_group() as tg:
        with pytest.raises(ExceptionGroup, match=r"^1 item of a worker pool failed"):
            async with WorkerPool(1, work, max_queue=1, on_error="cancel") as pool:
                await pool.submit(1)
                await wait_until_blocked()
                await pool.submit(2)
                tg.start_soon(submit)
                await wait_until_blocked()
                may_fail.set()
                await wait_until_blocked()


async def test_an_item_whose_submission_is_refused_since_all_is_cancelled_is_cancelled_and_not_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it meets comes of the cancellation, which has closed the other pool before the item could run."""

    async def submit(item: str) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            visitors.submit_nowait(item)

    visitors, checkers = WorkerPool(1, anyio.sleep), WorkerPool(1, submit)
    with anyio.CancelScope() as scope:
        async with checkers:
            async with visitors:
                handle = await checkers.submit("page")
                await wait_until_blocked()
            scope.cancel()

    assert scope.cancelled_caught
    assert handle.status is ItemStatus.CANCELLED
    assert checkers.unprocessed == ["page"]
    assert caplog.records == []
