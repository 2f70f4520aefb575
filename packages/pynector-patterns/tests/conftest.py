"""Time that takes none, for tests marked `anyio`; and how those draw scenarios that explore them."""

import os
from typing import Any

import pytest
import trio.testing
from hypothesis import HealthCheck, Phase, settings

from pynector.concurrency.testing import ControlledLoop

settings.register_profile(
    "explored",
    max_examples=int(os.environ.get("PYNECTOR_EXAMPLES", "4")),  # a few hundred schedules each
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the explorer makes its own failures short
)


@pytest.fixture(params=["asyncio", "trio"])
def virtual_time(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A backend on which an hour takes none; a module lets its `anyio_backend` be this."""
    if request.param == "trio":
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
    return "asyncio", {"loop_factory": ControlledLoop}
