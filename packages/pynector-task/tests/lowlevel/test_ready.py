"""A Ready is awaited or not: it is done."""

import anyio
import pytest

from pynector.concurrency.task.lowlevel import READY, Ready

pytestmark = pytest.mark.anyio


async def test_awaiting_gives_the_value_as_often_as_one_likes() -> None:
    ready = Ready("value")

    assert await ready == "value"
    assert await ready == "value"


async def test_awaiting_is_no_checkpoint() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        value = await Ready("value")

    assert value == "value"
    assert not scope.cancelled_caught


async def test_READY_gives_none() -> None:
    assert await READY is None


async def test_repr_shows_the_value() -> None:
    assert repr(Ready("value")) == "<Ready 'value'>"
