"""AnyIO's groups and scopes inside and around ours; trio's nurseries; ours where AnyIO wants its own."""

from collections.abc import Callable
from typing import Any

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio

from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio
on_trio = pytest.mark.on("trio")

MakeGroup = Callable[[], Any]
both_ways = pytest.mark.parametrize(
    ("make_outer", "make_inner"),
    [(anyio.create_task_group, create_task_group), (create_task_group, anyio.create_task_group)],
)


async def fail() -> None:
    raise ValueError("of the child")


async def log_end(log: list[str]) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        log.append("ended")


@both_ways
async def test_an_outer_group_that_is_cancelled_ends_the_inner_one(
    make_outer: MakeGroup, make_inner: MakeGroup
) -> None:
    async def inner() -> None:
        async with make_inner() as tg:
            tg.start_soon(log_end, log)

    log: list[str] = []
    async with make_outer() as tg:
        tg.start_soon(inner)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert log == ["ended"]


@both_ways
async def test_an_inner_group_that_fails_ends_the_outer_one(
    make_outer: MakeGroup, make_inner: MakeGroup
) -> None:
    log: list[str] = []

    with pytest.raises((ValueError, ExceptionGroup)):
        async with make_outer() as outer:
            outer.start_soon(log_end, log)
            await wait_until_blocked()
            async with make_inner() as inner:
                inner.start_soon(fail)

    assert log == ["ended"]


@both_ways
async def test_an_inner_group_that_is_cancelled_leaves_the_outer_one_alone(
    make_outer: MakeGroup, make_inner: MakeGroup
) -> None:
    async with make_outer() as outer:
        async with make_inner() as inner:
            inner.start_soon(anyio.sleep_forever)
            inner.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    assert not outer.cancel_scope.cancel_called


async def test_a_group_of_anyio_around_wraps_what_ours_raised_plainly() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group():
            async with create_task_group() as tg:
                tg.start_soon(fail)

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]


async def test_ours_around_lets_the_group_of_anyio_s_error_out_as_it_is() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group():
            async with anyio.create_task_group() as tg:
                tg.start_soon(fail)

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]


async def test_a_shield_of_anyio_around_a_group_holds() -> None:
    log: list[str] = []

    with anyio.CancelScope() as outer:
        with anyio.CancelScope(shield=True):
            async with create_task_group() as tg:
                tg.start_soon(log_end, log)
                await wait_until_blocked()
                outer.cancel()
                await anyio.lowlevel.checkpoint()
                assert log == []
                tg.cancel()

    assert log == ["ended"]


async def test_a_time_limit_of_anyio_around_a_group_raises_timeout_error_alone() -> None:
    log: list[str] = []

    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.005):
            async with create_task_group() as tg:
                tg.start_soon(log_end, log)
                await anyio.sleep_forever()

    assert log == ["ended"]


async def test_a_scope_of_anyio_inside_a_group_ends_its_own_block_only() -> None:
    async with create_task_group() as tg:
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        handle = tg.create_task(anyio.lowlevel.checkpoint())

    assert scope.cancelled_caught
    assert handle.status is handle.Status.FINISHED


async def test_a_function_that_takes_anyio_s_task_status_can_be_started() -> None:
    async def serve(*, task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED) -> None:
        task_status.started(42)

    async with create_task_group() as tg:
        assert await tg.start(serve) == 42


async def test_a_listener_of_anyio_serves_with_our_group() -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(await stream.receive())

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as tg:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        tg.start_soon(listener.serve, answer, tg)
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(b"hello")
            assert await client.receive() == b"hello"
        tg.cancel()


async def test_a_thread_starts_a_child_through_anyio() -> None:
    log: list[str] = []

    async def note() -> None:
        log.append("from a thread")

    async with create_task_group() as tg:
        await anyio.to_thread.run_sync(lambda: anyio.from_thread.run_sync(tg.start_soon, note))

    assert log == ["from a thread"]


@on_trio
async def test_a_nursery_of_trio_around_ends_our_group() -> None:
    async def ours(tg: TaskGroup) -> None:
        async with tg:
            tg.start_soon(log_end, log)

    log: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ours, create_task_group())
        await wait_until_blocked()
        nursery.cancel_scope.cancel()

    assert log == ["ended"]


@on_trio
async def test_a_nursery_of_trio_inside_ends_with_our_group() -> None:
    log: list[str] = []

    async with create_task_group() as tg:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log_end, log)
            await wait_until_blocked()
            tg.cancel()

    assert log == ["ended"]


@on_trio
async def test_an_error_in_a_nursery_of_trio_inside_comes_out_as_trio_gives_it() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]
