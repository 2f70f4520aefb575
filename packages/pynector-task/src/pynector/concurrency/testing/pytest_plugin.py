"""A plug-in for pytest: async tests as scenarios, and tests in virtual time.

It is loaded by itself. An async test function with one of these marks is the scenario, its fixtures
included; it needs no other plug-in. It runs on asyncio and, if trio is installed, on trio;
`backends=["asyncio"]` says otherwise.

- `@pytest.mark.explore(...)`: under many orders of its tasks. The options are those of `explore()`.
- `@pytest.mark.cancel_everywhere(...)`: with each task cancelled after each step. The options are those of
  `cancel_everywhere()`.
- `@pytest.mark.virtual_time`: once, in time that takes none.

A test has one of them; of those on function, class and module the nearest counts.

`--schedule=TOKEN` runs one schedule again, `--schedules=N` and `--schedules-seed=N` override what marks say.

The fixture `virtual_backend` is a backend in virtual time for the tests that AnyIO's plug-in runs.
`@pytest.mark.no_leaked_tasks` is for any async test, whoever runs it: it fails if a task is alive at its end
that was not there at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any

import pytest

from ._cancel import cancel_everywhere
from ._explore import explore
from ._leaks import assert_no_leaked_tasks
from ._loop import ControlledLoop
from ._replay import replay
from ._report import Report
from ._virtual_time import run_in_virtual_time

_BACKEND = "schedule_backend"


def _installed() -> list[str]:
    return ["asyncio", "trio"] if find_spec("trio") else ["asyncio"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("schedules", "schedules under control")
    group.addoption("--schedule", metavar="TOKEN", help="the one schedule to run in each marked test")
    group.addoption(
        "--schedules", type=int, help="schedules of each test marked `explore`, instead of its own"
    )
    group.addoption(
        "--schedules-seed", type=int, help="first seed of each test marked `explore`, instead of its own"
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "explore(**options): run this async test under many orders of its tasks",
        "cancel_everywhere(**options): run this async test with each task cancelled after each step",
        "virtual_time(): run this async test in time that takes none",
        "no_leaked_tasks(): fail this async test if it leaves a task behind",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture
def schedule_backend(request: pytest.FixtureRequest) -> str:
    """The backend on which a marked test runs: `asyncio` or `trio`."""
    return str(request.param)


@pytest.fixture(params=_installed())
def virtual_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A backend for AnyIO's fixture `anyio_backend`, with time that takes none.

    Example:
        ```py
        @pytest.fixture
        def anyio_backend(virtual_backend):
            return virtual_backend
        ```
    """
    if request.param == "asyncio":
        return "asyncio", {"loop_factory": ControlledLoop}
    from trio.testing import MockClock  # imported only where trio runs

    return "trio", {"clock": MockClock(autojump_threshold=0)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = _mark(metafunc.definition)
    if mark is not None:
        metafunc.fixturenames.append(_BACKEND)
        metafunc.parametrize(_BACKEND, mark.kwargs.get("backends") or _installed(), indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        guard, mark = item.get_closest_marker("no_leaked_tasks"), _mark(item)
        if guard is not None:
            _refuse_plain_function(item, guard)
            item.obj = _guarded(item.obj)
        if mark is not None:
            _refuse_plain_function(item, mark)
            item.obj = _as_plain_function(item, mark)


def _refuse_plain_function(item: pytest.Function, mark: pytest.Mark) -> None:
    if not iscoroutinefunction(item.obj):
        raise pytest.UsageError(f"{item.nodeid}: only an async test can be marked {mark.name!r}")


def _guarded(
    function: Callable[..., Coroutine[Any, Any, object]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    @wraps(function)
    async def call(*args: Any, **fixtures: Any) -> None:
        with assert_no_leaked_tasks():
            await function(*args, **fixtures)

    return call


def _mark(item: pytest.Item) -> pytest.Mark | None:
    marks = [(node, mark) for node, mark in item.iter_markers_with_node() if mark.name in _RUNNERS]
    if not marks:
        return None
    nearest, mark = marks[0]
    names = sorted({mark.name for node, mark in marks if node is nearest})
    if len(names) > 1:
        raise pytest.UsageError(f"{item.nodeid}: marked {' and '.join(names)}; one test has one of them")
    if mark.args:
        raise pytest.UsageError(
            f"{item.nodeid}: {mark.name!r} takes its options by name, not {mark.args[0]!r}"
        )
    return mark


def _as_plain_function(item: pytest.Function, mark: pytest.Mark) -> Callable[..., None]:
    function, run = item.obj, _RUNNERS[mark.name]

    @wraps(function)
    def call(*args: Any, **fixtures: Any) -> None:
        __tracebackhide__ = True
        options = {name: value for name, value in mark.kwargs.items() if name != "backends"}
        options["backend"] = item.callspec.params[_BACKEND]

        left: list[BaseException] = []

        async def scenario() -> None:
            try:
                await function(*args, **fixtures)
            except (pytest.skip.Exception, pytest.xfail.Exception) as outcome:
                left.append(outcome)

        scenario.__name__ = function.__name__
        token = item.config.getoption("schedule")
        if token is not None and mark.name != "virtual_time":
            replay(scenario, token)
        else:
            run(item, scenario, options)
        for outcome in left:
            raise outcome

    return call


def _explore(item: pytest.Function, scenario: Any, options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    for option, name in (("schedules", "schedules"), ("seed", "schedules_seed")):
        given = item.config.getoption(name)
        if given is not None:
            options[option] = given
    _check(item, explore(scenario, **options))


def _cancel_everywhere(item: pytest.Function, scenario: Any, options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    _check(item, cancel_everywhere(scenario, **options))


def _check(item: pytest.Function, report: Report) -> None:
    __tracebackhide__ = True
    item.user_properties.append(("schedules", report.schedules))
    for failure in report.failures:
        failure.again = f"pytest '{item.nodeid}' --schedule={failure.token}"
    report.check()


def _virtual_time(item: pytest.Function, scenario: Any, options: dict[str, Any]) -> None:
    run_in_virtual_time(scenario, backend=options["backend"])


_RUNNERS: dict[str, Callable[[pytest.Function, Any, dict[str, Any]], None]] = {
    "explore": _explore,
    "cancel_everywhere": _cancel_everywhere,
    "virtual_time": _virtual_time,
}
