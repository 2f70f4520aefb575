"""Cancelling a group: before, in and from outside its block, with a reason, and by a failing child."""

import anyio
import anyio.lowlevel
import pytest
from anyio import get_cancelled_exc_class

from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def record(log: list[str]) -> None:
    """Sleep until cancelled, and take a while to end then."""
    try:
        await anyio.sleep_forever()
    except get_cancelled_exc_class() as error:
        log.append(f"cancelled: {error}")
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        log.append("ended")
        raise


async def fail_on(event: anyio.Event) -> None:
    await event.wait()
    raise ValueError("task failed")


async def test_cancel_from_inside_cancels_body_and_children() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        tg.start_soon(record, log)
        await wait_until_blocked()
        tg.cancel()
        await record(log)
        pytest.fail("not cancelled")

    assert log.count("ended") == 2


async def test_cancel_from_outside_cancels_body_and_children() -> None:
    log: list[str] = []
    inner = create_task_group()

    async def body() -> None:
        async with inner:
            inner.start_soon(record, log)
            await record(log)

    async with create_task_group() as tg:
        tg.start_soon(body)
        await wait_until_blocked()
        inner.cancel()

    assert log.count("ended") == 2


async def test_cancel_before_entering_cancels_the_block_when_it_is_entered() -> None:
    group = create_task_group()
    group.cancel("too late")

    async with group:
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert group.cancel_scope.cancelled_caught
    assert group.cancel_reason == "too late"


async def test_cancel_of_a_left_group_does_nothing() -> None:
    async with create_task_group() as tg:
        pass

    tg.cancel("late")
    await anyio.lowlevel.checkpoint()

    assert not tg.cancel_scope.cancel_called


async def test_the_reason_can_be_read_back_and_stands_in_each_cancellation() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        tg.start_soon(record, log)
        await wait_until_blocked()
        tg.cancel("enough is enough")

    assert tg.cancel_reason == "enough is enough"
    assert "enough is enough" in log[0]


async def test_the_first_reason_stays() -> None:
    async with create_task_group() as tg:
        tg.cancel("first")
        tg.cancel("second")

    assert tg.cancel_reason == "first"


async def test_without_a_cancellation_there_is_no_reason() -> None:
    async with create_task_group() as tg:
        pass

    assert tg.cancel_reason is None


async def test_a_failing_child_cancels_body_and_siblings() -> None:
    log: list[str] = []

    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            failure = anyio.Event()
            tg.start_soon(record, log)
            tg.start_soon(fail_on, failure)
            await wait_until_blocked()
            failure.set()
            await record(log)

    assert log.count("ended") == 2


async def test_a_failing_child_gives_the_reason() -> None:
    log: list[str] = []

    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            failure = anyio.Event()
            tg.start_soon(fail_on, failure, name="doomed")
            tg.start_soon(record, log)
            await wait_until_blocked()
            failure.set()

    assert tg.cancel_reason == "task 'doomed' failed: ValueError: task failed"
    assert tg.cancel_reason in log[0]


async def test_a_cancelled_task_in_the_block_cancels_the_children_and_waits_for_them() -> None:
    log: list[str] = []

    with anyio.CancelScope() as scope:
        async with create_task_group() as tg:
            tg.start_soon(record, log)
            await wait_until_blocked()
            scope.cancel("from outside")

    assert scope.cancelled_caught
    assert log[-1] == "ended"


async def test_a_body_that_fails_cancels_the_children_and_waits_for_them() -> None:
    log: list[str] = []

    with pytest.raises(ValueError, match="body failed"):
        async with create_task_group() as tg:
            tg.start_soon(record, log)
            await wait_until_blocked()
            raise ValueError("body failed")

    assert log[-1] == "ended"


async def test_a_cancelled_handle_cancels_that_child_alone() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        handle = tg.create_task(record(log))
        tg.start_soon(lambda: anyio.lowlevel.checkpoint())
        await wait_until_blocked()
        handle.cancel()

    assert handle.status is handle.Status.CANCELLED
    assert not tg.cancel_scope.cancel_called


async def test_a_child_started_in_a_cancelled_group_is_cancelled_at_its_first_checkpoint() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        tg.cancel()
        tg.start_soon(record, log)

    assert log[-1] == "ended"


async def test_a_child_of_a_body_that_has_ended_can_still_cancel_the_group() -> None:
    async def cancel(tg: TaskGroup) -> None:
        await wait_until_blocked()
        tg.cancel()

    async with create_task_group() as tg:
        tg.start_soon(anyio.sleep_forever)
        tg.start_soon(cancel, tg)

    assert tg.cancel_scope.cancel_called
