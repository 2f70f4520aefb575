"""The specification's tests of errors, under its names."""

import anyio
import pytest

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.errors import get_cancelled_exc_class, shield

pytestmark = pytest.mark.asyncio


async def test_get_cancelled_exc_class() -> None:
    assert get_cancelled_exc_class() is anyio.get_cancelled_exc_class()


async def test_shield() -> None:
    log: list[str] = []

    async def finish() -> str:
        await anyio.sleep(0.02)
        log.append("shielded")
        return "result"

    async def work() -> None:
        try:
            await anyio.sleep(5)
            log.append("completed")
        except get_cancelled_exc_class():
            log.append("cancelled")
            assert await shield(finish) == "result"
            raise

    with move_on_after(0.01) as scope:
        await work()

    assert scope.cancelled_caught
    assert log == ["cancelled", "shielded"]
