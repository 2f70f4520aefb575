"""AnyIO's scopes and groups inside and around ours; asyncio's own time-outs and cancellations; trio's."""

import asyncio

import anyio
import anyio.lowlevel
import pytest
import trio
from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after
from pynector.concurrency.errors import shield
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio
native = pytest.mark.on("asyncio")
on_trio = pytest.mark.on("trio")


async def test_a_scope_is_a_scope_of_anyio() -> None:
    assert isinstance(CancelScope(), anyio.CancelScope)
    assert isinstance(fail_after(1), anyio.CancelScope)


async def test_a_scope_of_anyio_around_cancels_ours() -> None:
    with anyio.CancelScope() as outer, CancelScope() as inner:
        outer.cancel()
        await anyio.lowlevel.checkpoint()

    assert outer.cancelled_caught
    assert not inner.cancelled_caught


async def test_our_scope_around_cancels_one_of_anyio() -> None:
    with CancelScope() as outer, anyio.CancelScope() as inner:
        outer.cancel()
        await anyio.lowlevel.checkpoint()

    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@pytest.mark.parametrize(
    ("outer_kind", "inner_kind"), [(anyio.CancelScope, CancelScope), (CancelScope, anyio.CancelScope)]
)
async def test_shields_hold_against_each_other(outer_kind: type, inner_kind: type) -> None:
    with outer_kind() as outer:
        with inner_kind(shield=True):
            outer.cancel()
            await anyio.lowlevel.checkpoint()
            reached = True

    assert reached


async def test_a_time_limit_of_anyio_around_ends_our_block() -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.005), move_on_after(5) as scope:
            await anyio.sleep_forever()

    assert not scope.cancelled_caught


async def test_our_time_limit_around_ends_a_group_of_anyio() -> None:
    with move_on_after(0.005) as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(anyio.sleep_forever)

    assert scope.cancelled_caught


async def test_our_fail_after_around_a_group_of_anyio_raises_timeout_error_alone() -> None:
    with pytest.raises(TimeoutError):
        with fail_after(0.005):
            async with anyio.create_task_group() as tg:
                tg.start_soon(anyio.sleep_forever)
                await anyio.sleep_forever()


async def test_our_scope_around_a_group_lets_the_error_of_a_child_through() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("of the child")

    with pytest.raises(ExceptionGroup) as caught:
        with fail_after(0.005):
            async with anyio.create_task_group() as tg:
                tg.start_soon(fail_when_cancelled)
                await anyio.sleep_forever()

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]


@native
async def test_asyncio_timeout_around_ends_our_block() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            with CancelScope() as scope:
                await anyio.sleep_forever()

    assert not scope.cancelled_caught
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


@native
async def test_our_time_limit_around_ends_a_block_of_asyncio_timeout() -> None:
    with move_on_after(0.005) as scope:
        async with asyncio.timeout(5):
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


@native
async def test_both_limits_at_the_same_time_leave_nothing_behind() -> None:
    try:
        async with asyncio.timeout(0.005):
            with move_on_after(0.005):
                await anyio.sleep_forever()
            await asyncio.sleep(0.001)
    except TimeoutError:
        pass

    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


@native
async def test_a_native_cancellation_passes_through_our_scope() -> None:
    async def body() -> None:
        with CancelScope() as scope:
            scopes.append(scope)
            await anyio.sleep_forever()

    scopes: list[CancelScope] = []
    task = asyncio.create_task(body())
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not scopes[0].cancelled_caught


@native
async def test_a_native_cancellation_is_not_taken_for_the_limit_of_fail_after() -> None:
    async def body() -> None:
        with fail_after(5):
            await anyio.sleep_forever()

    task = asyncio.create_task(body())
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@native
async def test_a_native_cancellation_in_the_same_tick_as_ours_is_not_swallowed() -> None:
    async def body() -> None:
        with CancelScope() as scope:
            scopes.append(scope)
            await anyio.sleep_forever()
        await anyio.sleep_forever()

    scopes: list[CancelScope] = []
    task = asyncio.create_task(body())
    await wait_until_blocked()
    scopes[0].cancel()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@native
async def test_a_scope_in_a_task_that_anyio_did_not_start_works_as_any_other() -> None:
    async def body() -> bool:
        with move_on_after(0.005) as scope:
            await shield(anyio.lowlevel.checkpoint)
            await asyncio.sleep(5)
        return scope.cancelled_caught

    assert await asyncio.create_task(body())


@on_trio
async def test_a_scope_of_trio_around_cancels_ours() -> None:
    with trio.CancelScope() as outer, CancelScope() as inner:
        outer.cancel()
        await trio.lowlevel.checkpoint()

    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@on_trio
async def test_our_scope_around_cancels_a_nursery_of_trio() -> None:
    with move_on_after(0.005) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)

    assert scope.cancelled_caught


@on_trio
async def test_a_nursery_of_trio_around_cancels_our_block() -> None:
    async def body() -> None:
        with CancelScope() as scope:
            scopes.append(scope)
            await anyio.sleep_forever()

    scopes: list[CancelScope] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(body)
        await wait_until_blocked()
        nursery.cancel_scope.cancel()

    assert not scopes[0].cancelled_caught


async def test_a_cancellation_caught_in_the_block_is_swallowed_by_nobody() -> None:
    with CancelScope() as scope:
        scope.cancel()
        with pytest.raises(get_cancelled_exc_class()):
            await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught
