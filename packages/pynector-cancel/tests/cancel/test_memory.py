"""Blocks that were left are forgotten: no cycles."""

import gc
import weakref
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_help_of_the_cycle_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Failure(Exception):
    """An error that can be referred to weakly."""


class Payload:
    """Something to hold on to."""


async def settle() -> None:
    for _ in range(3):
        await anyio.lowlevel.checkpoint()


async def test_a_scope_that_was_cancelled_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[CancelScope]:
        with move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        return weakref.ref(scope)

    reference = await run()
    await settle()

    assert reference() is None


async def test_an_error_that_passed_through_a_scope_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[Failure]:
        try:
            with CancelScope():
                raise Failure
        except Failure as error:
            return weakref.ref(error)

    reference = await run()
    await settle()

    assert reference() is None


async def test_a_timeout_error_is_in_no_cycle() -> None:
    async def run() -> weakref.ref[Payload]:
        payload = Payload()  # lives as long as this frame, which the error's traceback holds
        try:
            with fail_after(0.001):
                await anyio.sleep_forever()
        except TimeoutError:
            return weakref.ref(payload)
        raise AssertionError

    reference = await run()
    await settle()

    assert reference() is None
