"""The backends that the tests of all four packages run on.

A test marked `anyio` runs on each event loop below and on trio, one marked `asyncio` on the loops alone.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

pytest_plugins = ["pytester"]  # for the tests of the plug-in; only the topmost conftest may name any

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}

if sys.platform != "win32" and sys.implementation.name == "cpython":
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop

if sys.version_info >= (3, 12):

    def eager_loop() -> asyncio.AbstractEventLoop:
        """A loop that runs each new task at once, up to its first suspension."""
        loop = asyncio.new_event_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        return loop

    LOOPS["eager"] = eager_loop

BACKENDS = [*(("asyncio", {"loop_factory": factory}) for factory in LOOPS.values()), ("trio", {})]


@pytest.fixture(params=BACKENDS, ids=[*LOOPS, "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param


@pytest.hookimpl(optionalhook=True)  # pytest-asyncio's, for tests marked `asyncio`
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background; tests interrupt themselves
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "on(*backends): run on these backends only, of asyncio and trio")
    config.addinivalue_line("markers", "exhaustive: one more case of a test of many schedules")


# Tests of many schedules, as paths below `packages`: one case of each is quick, the others are `exhaustive`.
DEEP = (
    "pynector-patterns/tests/pool/keyed/test_keyed_schedules.py",
    "pynector-patterns/tests/pool/test_growth.py",
    "pynector-patterns/tests/pool/test_schedules.py",
    "pynector-patterns/tests/pool/test_shutdown.py",
    "pynector-patterns/tests/proof/",
    "pynector-patterns/tests/soak/",
    "pynector-task/tests/testing/test_lateness.py",
    "pynector-task/tests/testing/test_mutants.py",
    "pynector-task/tests/testing/test_processes.py",
)


def mark_exhaustive(items: list[pytest.Item]) -> None:
    """Mark all cases of deep tests except for the first of each."""
    seen = set[tuple[str, str]]()
    for item in items:
        path = item.path.as_posix()
        if not (any(part in path for part in DEEP) or path.endswith("_schedules.py")):
            continue
        key = path, getattr(item, "originalname", item.name)
        if key in seen:
            item.add_marker(pytest.mark.exhaustive)
        seen.add(key)


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks that are asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a test has no use for, such as trio where it cancels an asyncio task natively."""
    mark_exhaustive(items)
    unwanted = [item for item in items if not runs_here(item)]
    items[:] = [item for item in items if runs_here(item)]
    config.hook.pytest_deselected(items=unwanted)


def runs_here(item: pytest.Item) -> bool:
    mark, callspec = item.get_closest_marker("on"), getattr(item, "callspec", None)
    if mark is None or callspec is None or "anyio_backend" not in callspec.params:
        return True
    return callspec.params["anyio_backend"][0] in mark.args
