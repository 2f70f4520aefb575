"""The specification's tests of scopes and time-outs, under its names."""

import time

import anyio
import pytest

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after
from pynector.concurrency.errors import shield

pytestmark = pytest.mark.asyncio


async def test_cancel_scope_creation() -> None:
    with CancelScope() as scope:
        assert not scope.cancel_called
        assert not scope.cancelled_caught


async def test_cancel_scope_cancellation() -> None:
    with CancelScope() as scope:
        scope.cancel()
        assert scope.cancel_called
        assert not scope.cancelled_caught  # the block has not ended yet

    assert scope.cancelled_caught


async def test_cancel_scope_deadline() -> None:
    with CancelScope(deadline=time.time() + 0.01) as scope:
        await anyio.sleep(5)
        pytest.fail("not cancelled")

    assert scope.cancelled_caught


async def test_move_on_after() -> None:
    """The specification's own wants the body to catch the cancellation, and not to have caught it."""
    log: list[str] = []

    async def sleep_long() -> None:
        try:
            await anyio.sleep(5)
            log.append("completed")
        except anyio.get_cancelled_exc_class():
            log.append("cancelled")
            raise

    try:
        with move_on_after(0.01) as scope:
            await sleep_long()
    except anyio.get_cancelled_exc_class():
        log.append("caught")

    assert scope.cancelled_caught
    assert log == ["cancelled"]


async def test_fail_after() -> None:
    with pytest.raises(TimeoutError):
        with fail_after(0.01):
            await anyio.sleep(5)


async def test_shield() -> None:
    log: list[str] = []

    async def clean_up() -> str:
        await anyio.sleep(0.01)
        log.append("cleaned up")
        return "result"

    with move_on_after(0.01) as scope:
        try:
            await anyio.sleep(5)
            log.append("completed")
        except anyio.get_cancelled_exc_class():
            assert await shield(clean_up) == "result"
            raise

    assert scope.cancelled_caught
    assert log == ["cleaned up"]
