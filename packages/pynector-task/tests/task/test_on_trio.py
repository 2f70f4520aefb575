"""With trio, a group stands on a nursery of its own; nobody can tell the difference."""

import gc
import threading
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest
import trio

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import parked_tasks
from pynector.concurrency.testing import wait_until_blocked

pytestmark = [pytest.mark.anyio, pytest.mark.on("trio")]


async def test_the_scope_of_a_group_is_one_of_anyio_s() -> None:
    async with create_task_group() as tg:
        scope = tg.cancel_scope
        assert isinstance(scope, anyio.CancelScope)
        scope.shield = True
        scope.deadline = 10.0**12
        assert (scope.shield, scope.deadline) == (True, 10.0**12)
        assert not scope.cancel_called
        scope.cancel("enough")
        assert scope.cancel_called
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught


async def test_the_scope_of_a_group_is_entered_by_nobody_else() -> None:
    async with create_task_group() as tg:
        with pytest.raises(RuntimeError, match="belongs to a task group"):
            tg.cancel_scope.__enter__()
        with pytest.raises(RuntimeError, match="belongs to a task group"):
            tg.cancel_scope.__exit__(None, None, None)


async def test_a_deadline_set_on_the_scope_of_a_group_cancels_it() -> None:
    async with create_task_group() as tg:
        tg.start_soon(anyio.sleep_forever)
        tg.cancel_scope.deadline = anyio.current_time() + 0.01

    assert tg.cancel_scope.cancelled_caught


async def test_a_child_costs_no_scope_if_nobody_kept_its_handle_by_its_first_step() -> None:
    def scopes() -> int:
        return sum(type(thing) is trio.CancelScope for thing in gc.get_objects())

    never = anyio.Event()
    async with create_task_group() as tg:
        before = scopes()
        for _ in range(10):
            tg.start_soon(never.wait)
        kept = tg.start_soon(never.wait)
        await wait_until_blocked()

        assert scopes() == before + 1
        kept.cancel()
        tg.cancel()


async def test_who_waits_for_a_child_is_seen() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever(), name="sleeper")
        tg.start_soon(handle.wait, name="waiter")
        await wait_until_blocked()

        (parked,) = parked_tasks()
        assert (parked.name, parked.waits_for) == ("waiter", "the end of 'sleeper'")
        tg.cancel()


async def test_cancellations_of_several_children_leave_as_one() -> None:
    with anyio.CancelScope() as outer:
        with pytest.raises(trio.Cancelled) as caught:
            async with create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(anyio.sleep_forever)
                await wait_until_blocked()
                outer.cancel()
        raise caught.value

    assert outer.cancelled_caught


async def test_another_run_of_trio_cannot_start_a_child() -> None:
    refusals: list[str] = []

    async def intrude() -> None:
        try:
            tg.start_soon(anyio.sleep, 0)
        except RuntimeError as refusal:
            refusals.append(str(refusal))

    async with create_task_group() as tg:
        thread = threading.Thread(target=trio.run, args=(intrude,))
        thread.start()
        await anyio.to_thread.run_sync(thread.join)

    assert "TaskGroup: starting a task in thread" in refusals[0]


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_collector() -> Iterator[None]:
    yield
    gc.collect()  # a coroutine that was never awaited would warn now


@pytest.mark.parametrize("how", ["create_task", "start_soon"])
async def test_a_child_cancelled_before_its_first_step_is_cancelled_though_nobody_keeps_the_handle(
    how: str,
) -> None:
    ends: list[str] = []

    async def child() -> None:
        try:
            await anyio.lowlevel.checkpoint()
            ends.append("ran")
        except trio.Cancelled:
            ends.append("cancelled")
            raise

    async with create_task_group() as tg:
        if how == "create_task":
            tg.create_task(child()).cancel()
        else:
            tg.start_soon(child).cancel()
        gc.collect()

    assert ends == ["cancelled"]


async def test_who_waits_for_a_failing_child_is_woken_after_the_group_has_heard_of_it() -> None:
    async def fail() -> None:
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        async with create_task_group() as tg:
            handle = tg.create_task(fail())
            with pytest.raises(trio.Cancelled) as caught:
                await handle
            raise caught.value
