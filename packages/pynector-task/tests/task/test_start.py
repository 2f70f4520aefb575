"""TaskGroup.start waits until the child says that it has started."""

import contextlib
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import get_current_task

from pynector.concurrency.task import TASK_STATUS_IGNORED, TaskStatus, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def serve(port: int, *, task_status: TaskStatus[int] = TASK_STATUS_IGNORED) -> str:
    await anyio.lowlevel.checkpoint()
    await task_status.started(port)
    await anyio.lowlevel.checkpoint()
    return "done"


async def serve_forever(log: list[str], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
    try:
        task_status.started()
        await anyio.sleep_forever()
    finally:
        log.append("ended")


async def never_start(log: list[str], *, task_status: TaskStatus[None]) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        log.append("ended")


async def test_start_gives_what_the_child_gave_to_started() -> None:
    async with create_task_group() as tg:
        assert await tg.start(serve, 42) == 42


async def test_start_gives_none_if_the_child_gave_nothing() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        assert await tg.start(serve_forever, log) is None
        tg.cancel()

    assert log == ["ended"]


async def test_start_with_return_handle_gives_the_handle_with_the_start_value() -> None:
    async with create_task_group() as tg:
        handle = await tg.start(serve, 42, return_handle=True)

        assert handle.start_value == 42
        assert await handle == "done"


async def test_start_names_the_task_after_the_function_or_as_it_is_told() -> None:
    async def child(*, task_status: TaskStatus[Any]) -> None:
        task_status.started(get_current_task().name)

    async with create_task_group() as tg:
        assert await tg.start(child) == f"{__name__}.{child.__qualname__}"
        assert await tg.start(child, name="server") == "server"


async def test_started_may_be_awaited_or_not_and_is_no_checkpoint() -> None:
    async def child(awaits: bool, *, task_status: TaskStatus[bool]) -> None:
        tg.cancel()
        called = task_status.started(awaits)
        if awaits:
            assert await called is None
        log.append(awaits)

    log: list[bool] = []
    for awaits in (True, False):
        async with create_task_group() as tg:
            await tg.start(child, awaits)

    assert log == [True, False]


async def test_a_function_can_be_called_directly_with_the_status_ignored() -> None:
    assert await serve(42) == "done"


async def test_started_called_twice_is_refused() -> None:
    refusals: list[str] = []

    async def child(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        with pytest.raises(RuntimeError) as refusal:
            task_status.started()
        refusals.append(str(refusal.value))

    async with create_task_group() as tg:
        await tg.start(child)

    assert "called 'started' twice" in refusals[0]


async def test_a_child_that_ends_without_started_raises_runtime_error_in_the_caller() -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        pass

    async with create_task_group() as tg:
        with pytest.raises(RuntimeError, match="exited without calling"):
            await tg.start(child)


async def test_a_child_that_fails_before_started_raises_in_the_caller_and_the_group_goes_on() -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        raise ValueError("no port free")

    async with create_task_group() as tg:
        with pytest.raises(ValueError, match="no port free"):
            await tg.start(child)
        await anyio.lowlevel.checkpoint()

    assert not tg.cancel_scope.cancel_called
    assert tg.cancel_reason is None


async def test_a_child_that_fails_after_started_fails_the_group() -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        raise ValueError("connection lost")

    with pytest.raises(ValueError, match="connection lost"):
        async with create_task_group() as tg:
            await tg.start(child, name="server")
            await anyio.sleep_forever()

    assert tg.cancel_reason == "task 'server' failed: ValueError: connection lost"


async def test_a_cancelled_caller_cancels_the_child_and_waits_for_it() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        with anyio.CancelScope() as scope:
            async with create_task_group() as canceller:
                canceller.start_soon(cancel_when_blocked, scope)
                await tg.start(never_start, log)
        assert log == ["ended"]
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught


async def test_a_cancelled_group_does_not_cancel_a_child_that_has_not_started() -> None:
    async def child(started: anyio.Event, *, task_status: TaskStatus[str]) -> None:
        await started.wait()
        task_status.started("value")

    async def start() -> None:
        values.append(await tg.start(child, event))

    values: list[str] = []
    event = anyio.Event()
    async with create_task_group() as outer:
        async with create_task_group() as tg:
            outer.start_soon(start)
            await wait_until_blocked()
            tg.cancel()
            event.set()

    assert values == ["value"]


async def cancel_when_blocked(scope: anyio.CancelScope) -> None:
    await wait_until_blocked()
    scope.cancel()


async def test_start_refuses_a_function_that_gives_no_coroutine() -> None:
    def plain(*, task_status: TaskStatus[None]) -> int:
        return 3

    async with create_task_group() as tg:
        with pytest.raises(
            TypeError, match=r"plain\(\) to return a coroutine, but the return value \(3\) is not"
        ):
            await tg.start(plain)  # type: ignore[arg-type]


async def test_a_function_may_call_started_before_it_gives_its_coroutine() -> None:
    def child(*, task_status: TaskStatus[int]) -> Any:
        task_status.started(7)
        return anyio.lowlevel.checkpoint()

    async with create_task_group() as tg:
        assert await tg.start(child) == 7


async def test_a_function_that_calls_started_and_gives_no_coroutine_has_not_started() -> None:
    def child(*, task_status: TaskStatus[int]) -> Any:
        task_status.started(7)
        raise ValueError("no coroutine")

    async with create_task_group() as tg:
        with pytest.raises(ValueError, match="no coroutine"):
            await tg.start(child)
        await anyio.lowlevel.checkpoint()

    assert not tg.cancel_scope.cancel_called


async def test_a_function_that_calls_started_twice_before_it_gives_its_coroutine_is_refused() -> None:
    def child(*, task_status: TaskStatus[int]) -> Any:
        task_status.started(7)
        task_status.started(8)

    async with create_task_group() as tg:
        with pytest.raises(RuntimeError, match="called 'started' twice"):
            await tg.start(child)


async def test_a_child_that_says_it_has_started_after_its_caller_was_cancelled_is_the_caller_s() -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            task_status.started()
            raise ValueError("too late")

    async with create_task_group() as tg:
        with anyio.CancelScope() as scope:
            async with create_task_group() as canceller:
                canceller.start_soon(cancel_when_blocked, scope)
                with contextlib.suppress(ValueError):  # trio gives it to the caller, asyncio drops it
                    await tg.start(child)
        await anyio.lowlevel.checkpoint()

    assert not tg.cancel_scope.cancel_called
