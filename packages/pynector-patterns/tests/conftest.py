"""Time that takes none, for tests marked `anyio`."""

from typing import Any

import pytest
import trio.testing

from pynector.concurrency.testing import ControlledLoop


@pytest.fixture(params=["asyncio", "trio"])
def virtual_time(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A backend on which an hour takes none; a module lets its `anyio_backend` be this."""
    if request.param == "trio":
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
    return "asyncio", {"loop_factory": ControlledLoop}
