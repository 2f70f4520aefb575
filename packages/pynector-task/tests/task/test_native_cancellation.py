"""asyncio's own Task.cancel() and asyncio.timeout() around and inside a group."""

import asyncio
import gc
import sys
import warnings
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.task import TaskStatus, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = [pytest.mark.anyio, pytest.mark.on("asyncio")]


can_be_renewed = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="a cancellation that is asked for anew cannot be taken back"
)


@pytest.fixture(autouse=True)
def no_coroutine_is_left_unawaited() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()


async def log_end(log: list[str]) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        log.append("ended")


async def test_a_child_cancelled_before_its_first_step_has_its_coroutine_closed() -> None:
    log: list[str] = []
    coro = log_end(log)

    async with create_task_group() as tg:
        tg.create_task(coro, name="victim")
        victims = [task for task in asyncio.all_tasks() if task.get_name() == "victim"]
        victims[0].cancel()

    assert coro.cr_frame is None


async def test_a_function_started_soon_and_cancelled_before_its_first_step_is_closed() -> None:
    async with create_task_group() as tg:
        spawned = tg.start_soon(log_end, [], name="victim")
        victims = [task for task in asyncio.all_tasks() if task.get_name() == "victim"]
        victims[0].cancel()

    assert spawned.coro.cr_frame is None  # type: ignore[attr-defined]


async def test_a_natively_cancelled_body_cancels_the_children_and_stays_cancelled() -> None:
    log: list[str] = []

    async def body() -> None:
        async with create_task_group() as tg:
            tg.start_soon(log_end, log)
            await anyio.sleep_forever()

    task = asyncio.create_task(body())
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["ended"]


async def test_a_native_cancellation_while_the_block_waits_for_children_cancels_them() -> None:
    log: list[str] = []

    async def body() -> None:
        async with create_task_group() as tg:
            tg.start_soon(log_end, log)

    task = asyncio.create_task(body())
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["ended"]


async def test_a_timeout_of_asyncio_around_a_group_ends_the_children() -> None:
    log: list[str] = []

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            async with create_task_group() as tg:
                tg.start_soon(log_end, log)

    assert log == ["ended"]
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


@can_be_renewed
async def test_a_native_cancellation_that_an_error_overtakes_comes_again() -> None:
    async def fail_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise LookupError

    async def body() -> None:
        try:
            async with create_task_group() as tg:
                tg.start_soon(fail_in_the_end)
        except LookupError as error:
            errors.append(error)
        await anyio.lowlevel.checkpoint()
        raise AssertionError("went on")

    errors: list[LookupError] = []
    task = asyncio.create_task(body())
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(errors) == 1
    assert task.cancelling() == 1


@can_be_renewed
async def test_a_timeout_of_asyncio_around_a_block_that_handles_a_child_s_error_fires() -> None:
    async def fail_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise LookupError

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            with suppress(LookupError):
                async with create_task_group() as tg:
                    tg.start_soon(fail_in_the_end)
            await anyio.lowlevel.checkpoint()
            raise AssertionError("went on")
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_time_out_of_asyncio_leaves_no_cancellation_behind() -> None:
    async def fail_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise LookupError

    with pytest.raises((LookupError, TimeoutError)):
        async with asyncio.timeout(0.01):
            async with create_task_group() as tg:
                tg.start_soon(fail_in_the_end)
    await anyio.lowlevel.checkpoint()  # a cancellation that outlived the time-out would come here
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_scope_that_an_error_overtakes_swallows_its_cancellation_all_the_same() -> None:
    async def fail_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise LookupError

    with anyio.move_on_after(0.01) as scope:
        with suppress(LookupError):
            async with create_task_group() as tg:
                tg.start_soon(fail_in_the_end)
        await anyio.lowlevel.checkpoint()
        raise AssertionError("went on")

    assert scope.cancelled_caught
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_timeout_of_asyncio_inside_a_group_ends_its_own_block_only() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.lowlevel.checkpoint())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anyio.sleep_forever()
        await handle

    assert not tg.cancel_scope.cancel_called


async def test_a_group_of_asyncio_and_one_of_ours_nest_both_ways() -> None:
    log: list[str] = []

    async def ours() -> None:
        async with create_task_group() as tg:
            tg.start_soon(log_end, log)
            async with asyncio.TaskGroup() as native:
                native.create_task(log_end(log))
                await wait_until_blocked()
                tg.cancel()

    async with asyncio.TaskGroup() as outer:
        outer.create_task(ours())

    assert log == ["ended", "ended"]


async def test_a_natively_cancelled_child_does_not_fail_the_group() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.sleep_forever(), name="victim")
        await wait_until_blocked()
        next(task for task in asyncio.all_tasks() if task.get_name() == "victim").cancel()

    assert handle.status is handle.Status.CANCELLED


async def test_a_natively_cancelled_caller_of_start_cancels_the_child_and_waits_for_it() -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        await log_end(log)

    log: list[str] = []
    async with create_task_group() as tg:
        task = asyncio.create_task(tg.start(child))
        await wait_until_blocked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert log == ["ended"]


async def test_the_error_of_a_child_wins_over_a_native_cancellation_that_comes_as_the_block_ends() -> None:
    async def body() -> None:
        async with create_task_group() as tg:
            tg.start_soon(fail)

    async def fail() -> None:
        asyncio.current_task()
        task.cancel()
        raise ValueError("task failed")

    task = asyncio.create_task(body())
    with pytest.raises(ValueError, match="task failed"):
        await task


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_keyboard_interrupt_of_a_child_ends_the_program(stop: type[BaseException]) -> None:
    async def interrupt() -> None:
        raise stop

    async def main() -> None:
        async with create_task_group() as tg:
            tg.start_soon(anyio.sleep_forever)
            tg.start_soon(interrupt)

    with pytest.raises(stop):
        asyncio.run(main())


@pytest.mark.parametrize("callbacks_later", range(8))
async def test_a_native_cancellation_at_any_moment_of_leaving_loses_neither_error_nor_child(
    callbacks_later: int,
) -> None:
    async def fail() -> None:
        cancel_later(callbacks_later)
        raise ValueError("task failed")

    async def body() -> None:
        async with create_task_group() as tg:
            tg.start_soon(log_end, log)
            await wait_until_blocked()
            tg.start_soon(fail)
            await anyio.sleep_forever()

    def cancel_later(callbacks: int) -> None:
        if callbacks:
            asyncio.get_running_loop().call_soon(cancel_later, callbacks - 1)
        else:
            task.cancel()

    log: list[str] = []
    task = asyncio.create_task(body())
    with pytest.raises((ValueError, asyncio.CancelledError)):
        await task
    assert log == ["ended"]
    assert task.cancelled() or isinstance(task.exception(), ValueError)
