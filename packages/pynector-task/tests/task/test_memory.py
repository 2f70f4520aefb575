"""What has ended is forgotten: no cycles, nothing that grows."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.task import TaskStatus, create_task_group

pytestmark = pytest.mark.anyio


class Payload:
    """Something to hold on to."""


class Failure(Exception):
    """An error that can be referred to weakly."""


@pytest.fixture(autouse=True)
def no_help_of_the_cycle_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def hold(payload: Payload) -> Payload:
    await anyio.lowlevel.checkpoint()
    return payload


async def fail() -> None:
    await anyio.lowlevel.checkpoint()
    raise Failure


async def settle() -> None:
    for _ in range(3):
        await anyio.lowlevel.checkpoint()


async def test_an_error_that_left_a_group_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[Failure]:
        try:
            async with create_task_group() as tg:
                tg.start_soon(fail)
                await anyio.sleep_forever()
        except Failure as error:
            return weakref.ref(error)
        raise AssertionError

    reference = await run()
    await settle()

    assert reference() is None


@pytest.mark.parametrize("how", ["kept", "started"])
async def test_an_error_is_in_no_cycle_though_the_handle_was_kept(how: str) -> None:
    async def fail_later(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        await fail()

    async def run() -> weakref.ref[Failure]:
        try:
            async with create_task_group() as tg:
                if how == "kept":
                    handle = tg.create_task(fail())
                else:
                    handle = await tg.start(fail_later, return_handle=True)
                try:
                    await handle.wait()
                finally:
                    del handle  # or this frame, which is in the traceback, would hold it
        except Failure as error:
            return weakref.ref(error)
        raise AssertionError

    reference = await run()
    await settle()

    assert reference() is None


async def test_an_error_of_the_body_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[Failure]:
        try:
            async with create_task_group():
                raise Failure
        except Failure as error:
            return weakref.ref(error)

    reference = await run()
    await settle()

    assert reference() is None


async def test_what_a_child_returned_lives_as_long_as_its_handle() -> None:
    payload = Payload()
    reference = weakref.ref(payload)

    async with create_task_group() as tg:
        handle = tg.create_task(hold(payload))
        del payload
        await handle.wait()
        await settle()
        assert reference() is not None
        del handle
        await settle()
        assert reference() is None


async def test_a_long_lived_group_forgets_the_children_that_have_ended() -> None:
    async with create_task_group() as tg:
        references = []
        for _ in range(100):
            payload = Payload()
            references.append(weakref.ref(payload))
            tg.start_soon(hold, payload)
            del payload
            await settle()

        assert sum(reference() is not None for reference in references) <= 1


async def test_a_group_that_was_left_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[object]:
        async with create_task_group() as tg:
            tg.start_soon(anyio.lowlevel.checkpoint)
        return weakref.ref(tg)

    reference = await run()
    await settle()

    assert reference() is None


async def test_a_handle_may_be_referred_to_weakly() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(anyio.lowlevel.checkpoint())

        assert weakref.ref(handle)() is handle


@pytest.mark.on("asyncio")
async def test_a_child_that_is_not_held_by_anybody_is_not_collected() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    async with create_task_group() as tg:
        tg.start_soon(wait)
        await settle()
        gc.collect()
        await settle()
        assert len(asyncio.all_tasks()) >= 2
        tg.cancel()
