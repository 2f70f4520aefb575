"""The backends that every test marked `anyio` runs on, for all four packages."""

import asyncio
import importlib.util
import sys
from typing import Any

import pytest

needs_uvloop = pytest.mark.skipif(
    importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
)
needs_eager_tasks = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


def eager_loop() -> asyncio.AbstractEventLoop:
    """A loop that runs each new task at once, up to its first suspension."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


@pytest.fixture(
    params=[
        pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
        pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop", marks=needs_uvloop),
        pytest.param(("asyncio", {"loop_factory": eager_loop}), id="eager", marks=needs_eager_tasks),
        pytest.param(("trio", {}), id="trio"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param
