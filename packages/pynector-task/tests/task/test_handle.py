"""A TaskHandle tells how a child is, and gives its result."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import TaskCancelled, TaskFailed, TaskHandle, TaskNotFinished

from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Status = TaskHandle.Status


async def echo(value: str) -> str:
    await anyio.lowlevel.checkpoint()
    return value


async def fail() -> None:
    raise ValueError("task failed")


async def test_a_running_child_is_pending_and_has_no_result_yet() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever())

        assert handle.status is Status.PENDING
        with pytest.raises(TaskNotFinished):
            _ = handle.return_value
        with pytest.raises(TaskNotFinished):
            _ = handle.exception
        tg.cancel()


async def test_a_child_that_returned_is_finished() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"))

    assert handle.status is Status.FINISHED
    assert handle.return_value == "value"
    assert handle.exception is None
    assert await handle == "value"


async def test_a_child_that_failed_keeps_its_error() -> None:
    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            handle = tg.create_task(fail())

    assert handle.status is Status.FAILED
    assert handle.exception is caught.value
    with pytest.raises(TaskFailed) as failed:
        _ = handle.return_value
    assert failed.value.__cause__ is caught.value


async def test_awaiting_a_failed_child_raises_task_failed_from_its_error() -> None:
    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            handle = tg.create_task(fail())

    with pytest.raises(TaskFailed) as failed:
        await handle
    assert failed.value.__cause__ is caught.value


async def test_a_cancelled_child_raises_task_cancelled() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever())
        await wait_until_blocked()
        handle.cancel()
        with pytest.raises(TaskCancelled):
            await handle

    assert handle.status is Status.CANCELLED
    with pytest.raises(TaskCancelled):
        _ = handle.return_value
    with pytest.raises(TaskCancelled):
        _ = handle.exception


async def test_a_child_that_is_cancelled_and_not_ended_yet_is_cancelling() -> None:
    async def linger() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await release.wait()

    release = anyio.Event()
    async with create_task_group() as tg:
        handle = tg.create_task(linger())
        await wait_until_blocked()
        handle.cancel()
        assert handle.status is Status.CANCELLING
        release.set()

    assert handle.status is Status.CANCELLED


async def test_cancelling_a_child_that_has_ended_does_nothing() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"))
        await handle
        handle.cancel()

    assert handle.status is Status.FINISHED


async def test_cancelling_a_child_before_its_first_step_cancels_it() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever())
        handle.cancel()

    assert handle.status is Status.CANCELLED


async def test_wait_returns_however_the_child_has_ended() -> None:
    async with create_task_group() as tg:
        for handle in (tg.create_task(echo("value")), tg.create_task(anyio.sleep_forever())):
            handle.cancel()
            await handle.wait()
            assert handle.status in (Status.FINISHED, Status.CANCELLED)


@pytest.mark.parametrize("how", ["await", "wait"])
async def test_a_cancelled_waiter_leaves_the_child_running(how: str) -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever())
        with anyio.move_on_after(0.01) as scope:
            await (handle if how == "await" else handle.wait())

        assert scope.cancelled_caught
        assert handle.status is Status.PENDING
        tg.cancel()


async def test_many_tasks_may_await_one_handle() -> None:
    async def wait(handle: object) -> None:
        values.append(await handle)  # type: ignore[misc]

    values: list[object] = []
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"))
        for _ in range(3):
            tg.start_soon(wait, handle)

    assert values == ["value"] * 3


async def test_coro_is_the_coroutine_that_was_given() -> None:
    coro = echo("value")

    async with create_task_group() as tg:
        assert tg.create_task(coro).coro is coro


async def test_start_value_of_a_child_that_start_did_not_start_is_refused() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"))

        with pytest.raises(RuntimeError, match="start"):
            _ = handle.start_value


async def test_repr_tells_name_and_status() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"), name="echo")
        spawned = tg.start_soon(echo, "value", name="echo")
        pending = repr(handle)

    assert pending.startswith("<TaskHandle pending name='echo' coro=<coroutine object echo at ")
    assert repr(handle).startswith("<TaskHandle finished name='echo' ")
    assert repr(spawned).startswith("<SpawnedTask finished name='echo' ")


async def test_who_awaits_a_cancelled_child_and_is_being_cancelled_is_told_of_that() -> None:
    async def wait_for(handle: Any) -> None:
        try:
            await handle
        except BaseException as error:
            raised.append(type(error))
            raise

    raised: list[type[BaseException]] = []
    with anyio.CancelScope() as scope:
        async with create_task_group() as tg:
            handle = tg.create_task(anyio.sleep_forever())
            tg.start_soon(wait_for, handle)
            await wait_until_blocked()
            scope.cancel()

    assert raised == [anyio.get_cancelled_exc_class()]
    assert scope.cancelled_caught
