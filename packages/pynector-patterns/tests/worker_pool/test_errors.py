"""Where the error of an item goes: to the task that awaits it, to whoever stops the pool, and to the log."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

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


class Listeners:
    """Awaits a handle, and ends a pool; and records who got the error."""

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


async def leave_block(listeners: Listeners, tg: Any, attempts: Any) -> None:
    async with listeners.pool:
        await submit_one(listeners, tg, attempts)


async def stop_inside(listeners: Listeners, tg: Any, attempts: Any) -> None:
    async with listeners.pool:
        await submit_one(listeners, tg, attempts)
        await listeners.pool.stop()


async def start_and_stop(listeners: Listeners, tg: Any, attempts: Any) -> None:
    await listeners.pool.start()
    await submit_one(listeners, tg, attempts)
    await listeners.pool.stop()


async def submit_one(listeners: Listeners, tg: Any, attempts: Any) -> None:
    handle = await listeners.pool.submit(1)
    for attempt in attempts:
        tg.start_soon(lambda attempt=attempt: listeners.wait(handle, attempt=attempt))
    await anyio.sleep(0.5)


async def awaiting(handle: ItemHandle[int, None]) -> None:
    await handle


async def awaiting_for_a_second(handle: ItemHandle[int, None]) -> None:
    with anyio.move_on_after(1):  # just when the item fails
        await handle


ends = pytest.mark.parametrize("end", [leave_block, stop_inside, start_and_stop])


@ends
@backends
def test_an_error_reaches_the_task_that_awaits_the_handle_and_nobody_else(end: Any, backend: str) -> None:
    async def scenario() -> None:
        listeners = Listeners()
        await listeners.use(end, awaiting, ItemHandle.wait)
        assert listeners.who == ["waiter"]

    explore(scenario, schedules=100, backend=backend).check()


@ends
@backends
def test_a_task_that_only_waits_for_the_end_of_an_item_does_not_get_its_error(end: Any, backend: str) -> None:
    async def scenario() -> None:
        listeners = Listeners()
        await listeners.use(end, ItemHandle.wait)
        assert listeners.who == ["stopper"]

    explore(scenario, schedules=50, backend=backend).check()


@ends
@backends
def test_if_the_task_that_awaits_an_item_is_cancelled_ending_the_pool_raises_the_error(
    end: Any, backend: str
) -> None:
    async def scenario() -> None:
        listeners = Listeners()
        await listeners.use(end, awaiting_for_a_second)
        assert len(listeners.who) == 1

    explore(scenario, schedules=100, backend=backend).check()


@ends
@backends
def test_an_error_reaches_somebody_wherever_the_task_that_awaits_it_is_cancelled(
    end: Any, backend: str
) -> None:
    async def scenario() -> None:
        listeners = Listeners()
        await listeners.use(end, awaiting)
        assert len(listeners.who) == 1

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


async def test_an_error_in_the_clean_up_of_an_item_is_raised_though_the_block_is_cancelled() -> None:
    pool = WorkerPool(2, clean_up_badly)
    with (
        anyio.CancelScope() as scope,
        pytest.raises(ExceptionGroup, match=r"^1 item of a worker pool failed"),
    ):
        async with pool:
            handle = await pool.submit("item")
            await wait_until_blocked()
            scope.cancel()

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


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("where", ["in the block", "leaving it"])
async def test_errors_come_before_a_cancellation_of_the_block(where: str, failing: int) -> None:
    async def work(item: int) -> None:
        await (fail(item) if item < failing else anyio.sleep_forever())

    async def use() -> None:
        async with WorkerPool(4, work) as pool:
            for item in range(4):
                await pool.submit(item)
            if where == "in the block":
                await anyio.sleep_forever()

    async def victim() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await use()
        assert [str(error) for error in caught.value.exceptions] == ["0", "1"][:failing]
        with pytest.raises(anyio.get_cancelled_exc_class()):
            await checkpoint()
        seen.append(where)

    seen: list[str] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(victim)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert seen == [where]


async def test_an_error_that_nobody_awaits_is_logged_when_it_happens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ExceptionGroup):
        async with WorkerPool(1, fail) as pool:
            pool.submit_nowait("mail")
            await pool.join()
            (record,) = caplog.records

    assert (record.name, record.levelno) == ("pynector.concurrency.patterns", logging.ERROR)
    assert record.message == "item 'mail' of a worker pool failed: ValueError: mail"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    assert caplog.records == [record]


async def test_an_error_that_is_awaited_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with anyio.CancelScope() as scope:
        async with WorkerPool(1, fail) as pool:
            with pytest.raises(ValueError, match="1"):
                await pool.submit_nowait(1)
            with pytest.raises(ValueError, match="2"):
                await pool.map([2])
            scope.cancel()
            await anyio.sleep_forever()

    assert not caplog.records


async def test_an_error_whose_awaiter_is_cancelled_is_logged_then(caplog: pytest.LogCaptureFixture) -> None:
    may_fail = anyio.Event()

    async def work(item: str) -> None:
        await may_fail.wait()
        raise ValueError(item)

    async def give_up(scope: anyio.CancelScope) -> None:
        with scope:
            await handle

    async with WorkerPool(1, work, on_error="log") as pool, anyio.create_task_group() as tg:
        handle = pool.submit_nowait("mail")
        scope = anyio.CancelScope()
        tg.start_soon(give_up, scope)
        await wait_until_blocked()
        scope.cancel()
        await wait_until_blocked()
        assert not caplog.records
        may_fail.set()

    assert [record.message for record in caplog.records] == [
        "item 'mail' of a worker pool failed: ValueError: mail"
    ]


@pytest.mark.parametrize("way", ["block", "stop", "cancelled"])
async def test_an_error_that_is_only_logged_fails_no_shutdown(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool = WorkerPool(1, fail, on_error="log")
    if way == "stop":
        await pool.start()
        await pool.submit("mail")
        assert await pool.stop() == []
    else:
        with anyio.CancelScope() as scope:
            async with pool:
                await pool.submit("mail")
                await pool.join()
                if way == "cancelled":
                    scope.cancel()
                    await anyio.sleep_forever()

    assert len(caplog.records) == 1


async def test_an_error_that_is_only_logged_is_raised_where_it_is_awaited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with WorkerPool(1, fail, on_error="log") as pool:
        with pytest.raises(ValueError, match="mail"):
            await pool.submit_nowait("mail")

    assert not caplog.records


async def test_other_failures_of_a_map_are_logged_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    both = anyio.Event()

    async def work(item: int) -> None:
        if item:
            both.set()
        else:
            await both.wait()
        raise ValueError(item)

    async with WorkerPool(2, work, on_error="log") as pool:
        with pytest.raises(ValueError, match="0"):
            await pool.map(range(2))
        assert [record.message for record in caplog.records] == [
            "item 1 of a worker pool failed: ValueError: 1"
        ]


@pytest.mark.parametrize("failing", [10, 11, 1000])
async def test_the_first_ten_errors_are_raised_and_the_others_counted(failing: int) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, fail, max_queue=None) as pool:
            handles = [pool.submit_nowait(item) for item in range(failing)]
            del handles[: failing // 2]  # whether somebody has the handle yet makes no difference

    assert [str(error) for error in caught.value.exceptions] == [str(item) for item in range(10)]
    which = "" if failing == 10 else ", the first 10 of them"
    assert caught.value.message == f"{failing} items of a worker pool failed{which}"


async def test_at_most_ten_failed_items_are_notes_of_the_error_that_leaves_the_block() -> None:
    with pytest.raises(KeyError) as caught:
        async with WorkerPool(1, fail) as pool:
            for item in range(12):
                pool.submit_nowait(item)
            await pool.join()
            raise KeyError

    first = [f"an item of a worker pool failed, too: ValueError: {item}" for item in range(10)]
    assert caught.value.__notes__ == [*first, "and 2 more items failed"]


class Body:
    """What a failing function has in a local variable."""


@pytest.mark.parametrize("on_error", ["report", "log"])
async def test_an_error_that_nobody_can_await_keeps_no_frame_alive(
    on_error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pynector.concurrency.patterns")  # its records have the tracebacks
    bodies: list[weakref.ref[Body]] = []

    async def work(item: int) -> None:
        body = Body()
        bodies.append(weakref.ref(body))
        try:
            raise KeyError(item)
        except KeyError:
            raise ValueError(item) from None

    with suppress(ExceptionGroup):
        async with WorkerPool(2, work, on_error=on_error) as pool:
            for item in range(3):
                pool.submit_nowait(item)
            await pool.join()
            assert [body() for body in bodies] == [None] * 3


async def test_an_error_without_frames_says_where_it_was_raised() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, fail) as pool:
            pool.submit_nowait("mail")

    (error,) = caught.value.exceptions
    (note,) = error.__notes__
    assert note.startswith("it was raised here:\n  File ")
    assert "in fail" in note


async def test_an_error_whose_handle_is_there_has_its_traceback() -> None:
    async with WorkerPool(1, fail) as pool:
        handle = pool.submit_nowait("mail")
        await pool.join()
        with pytest.raises(ValueError, match="mail") as caught:
            await handle

    assert caught.traceback[-1].name == "fail"


@dataclass(frozen=True)
class Frozen(Exception):
    """An error that cannot be changed."""

    item: object


@pytest.mark.parametrize("on_error", ["report", "log", "cancel"])
async def test_an_error_that_cannot_be_changed_leaves_the_block_as_it_is(on_error: Any) -> None:
    async def work(item: object) -> None:
        raise Frozen(item)

    with pytest.raises(Frozen) as caught:
        async with WorkerPool(1, work, on_error=on_error) as pool:
            pool.submit_nowait("item")
            await pool.join()
            raise Frozen("block")

    assert caught.value.item == "block"


async def test_an_error_that_cannot_be_changed_is_raised_by_the_block() -> None:
    async def work(item: object) -> None:
        raise Frozen(item)

    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, work) as pool:
            pool.submit_nowait("item")

    assert [type(error) for error in caught.value.exceptions] == [Frozen]


async def test_an_error_without_readable_text_is_reported_like_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    async def work(_: object) -> None:
        raise Mute

    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, work) as pool:
            pool.submit_nowait(Odd())

    assert isinstance(caught.value.exceptions[0], Mute)
    assert "Mute" in caplog.records[0].message


async def test_an_error_of_on_error_is_raised_by_stopping_also_if_the_items_own_is_awaited() -> None:
    def complain(item: object, error: Exception) -> None:
        raise KeyError(item)

    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, fail, on_error=complain) as pool:
            with pytest.raises(ValueError, match="1"):
                await pool.submit_nowait(1)

    assert [type(error) for error in caught.value.exceptions] == [KeyError]


@pytest.mark.parametrize("awaits_more", [False, True])
async def test_an_item_that_is_cancelled_with_the_pool_it_submits_to_has_not_failed(
    awaits_more: bool, caplog: pytest.LogCaptureFixture
) -> None:
    in_item = anyio.Event()

    async def submit(item: int) -> None:
        try:
            in_item.set()
            await anyio.sleep_forever()
        finally:
            others.submit_nowait(item)
            if awaits_more:
                await checkpoint()

    async def nothing(_: int) -> None:
        """It is never called."""

    others = WorkerPool(1, nothing)
    with anyio.CancelScope() as scope:
        async with WorkerPool(1, submit) as pool:
            with anyio.CancelScope() as inner:
                async with others:
                    inner.cancel()
                    await anyio.sleep_forever()
            handle = pool.submit_nowait(1)
            await in_item.wait()
            scope.cancel()

    assert handle.status is ItemStatus.CANCELLED
    assert pool.unprocessed == [1]
    assert not caplog.records


async def test_an_item_that_is_refused_by_a_pool_that_was_stopped_has_failed() -> None:
    async def submit(item: int) -> None:
        others.submit_nowait(item)

    others = WorkerPool(1, fail)
    async with others:
        pass
    async with WorkerPool(1, submit) as pool:
        with pytest.raises(anyio.ClosedResourceError):
            await pool.submit_nowait(1)


async def test_an_item_that_is_not_cancelled_itself_fails_if_the_pool_it_submits_to_was() -> None:
    async def submit(item: int) -> None:
        others.submit_nowait(item)

    others = WorkerPool(1, fail)
    with anyio.CancelScope() as scope:
        async with others:
            scope.cancel()
            await anyio.sleep_forever()
    async with WorkerPool(1, submit) as pool:
        with pytest.raises(anyio.ClosedResourceError):
            await pool.submit_nowait(1)


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


async def test_a_submitter_that_waits_for_room_gets_the_reason_why_the_pool_was_cancelled() -> None:
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
