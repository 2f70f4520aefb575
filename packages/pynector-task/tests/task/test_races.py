"""Two things in one tick: an end and a cancellation, a start and a cancellation, eager children."""

import anyio
import anyio.lowlevel
import pytest
from anyio import TaskHandle

from pynector.concurrency.task import TaskGroup, TaskStatus, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Status = TaskHandle.Status


async def wait_for(event: anyio.Event) -> str:
    await event.wait()
    return "value"


async def fail() -> None:
    raise ValueError("of the child")


async def test_a_child_cancelled_in_the_tick_of_its_end_has_either_result() -> None:
    event = anyio.Event()

    async with create_task_group() as tg:
        handle = tg.create_task(wait_for(event))
        await wait_until_blocked()
        event.set()
        handle.cancel()

    assert handle.status in (Status.FINISHED, Status.CANCELLED)
    assert not tg.cancel_scope.cancel_called


async def test_a_group_cancelled_in_the_tick_of_its_last_child_s_end_ends() -> None:
    event = anyio.Event()

    async with create_task_group() as tg:
        tg.start_soon(wait_for, event)
        await wait_until_blocked()
        event.set()
        tg.cancel("late")

    assert tg.cancel_reason == "late"


async def test_a_child_may_cancel_its_group_in_its_last_step() -> None:
    async def child(tg: TaskGroup) -> None:
        await anyio.lowlevel.checkpoint()
        tg.cancel("done")

    async with create_task_group() as tg:
        tg.start_soon(child, tg)
        await anyio.sleep_forever()

    assert tg.cancel_reason == "done"


async def test_a_child_may_cancel_its_group_and_fail_in_one_step() -> None:
    async def child(tg: TaskGroup) -> None:
        tg.cancel("first")
        raise ValueError("of the child")

    with pytest.raises(ValueError, match="of the child"):
        async with create_task_group() as tg:
            tg.start_soon(child, tg)
            await anyio.sleep_forever()

    assert tg.cancel_reason == "first"


async def test_a_caller_cancelled_in_the_tick_of_started_leaves_no_orphan() -> None:
    async def child(*, task_status: TaskStatus[str]) -> None:
        try:
            await event.wait()
            task_status.started("value")
            scope.cancel()
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    async def start(tg: TaskGroup) -> None:
        with scope:
            log.append(await tg.start(child))

    log: list[str] = []
    event, scope = anyio.Event(), anyio.CancelScope()
    async with create_task_group() as tg:
        tg.start_soon(start, tg)
        await wait_until_blocked()
        event.set()
        await wait_until_blocked()
        tg.cancel()

    assert log[-1] == "ended"
    assert len(log) <= 2


async def test_a_child_that_ends_in_the_tick_of_started_has_started() -> None:
    async def child(*, task_status: TaskStatus[str]) -> str:
        task_status.started("value")
        return "result"

    async with create_task_group() as tg:
        handle = await tg.start(child, return_handle=True)

        assert handle.start_value == "value"
        assert await handle == "result"


async def test_children_that_never_wait_end_and_can_be_awaited() -> None:
    async def double(number: int) -> int:
        return 2 * number

    async with create_task_group() as tg:
        handles = [tg.create_task(double(number)) for number in range(10)]

        assert [await handle for handle in handles] == [2 * number for number in range(10)]


async def test_a_child_that_fails_in_its_first_step_does_not_raise_where_it_is_started() -> None:
    reached = False

    with pytest.raises(ValueError, match="of the child"):
        async with create_task_group() as tg:
            tg.start_soon(fail)
            tg.start_soon(anyio.sleep_forever)
            reached = True

    assert reached


async def test_children_that_start_children_that_fail_give_one_error_for_each() -> None:
    async def nest(tg: TaskGroup, depth: int) -> None:
        if depth == 0:
            raise ValueError("of the innermost")
        tg.start_soon(nest, tg, depth - 1)
        await anyio.sleep_forever()

    with pytest.raises(ValueError, match="of the innermost"):
        async with create_task_group() as tg:
            tg.start_soon(nest, tg, 5)


async def test_groups_nested_deeply_let_one_error_out_as_it_is() -> None:
    async def nest(depth: int) -> None:
        if depth == 0:
            raise error
        async with create_task_group() as tg:
            tg.start_soon(nest, depth - 1)

    error = ValueError("of the innermost")
    with pytest.raises(ValueError, match="of the innermost") as caught:
        await nest(20)

    assert caught.value is error
    assert error.__context__ is None


async def test_an_outer_group_cancelled_while_an_inner_one_fails_keeps_the_error() -> None:
    async def inner() -> None:
        async with create_task_group() as tg:
            tg.start_soon(fail_when_cancelled)
            await anyio.sleep_forever()

    async def fail_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("of the innermost")

    with pytest.raises(ValueError, match="of the innermost"):
        async with create_task_group() as outer:
            outer.start_soon(inner)
            await wait_until_blocked()
            outer.cancel()
