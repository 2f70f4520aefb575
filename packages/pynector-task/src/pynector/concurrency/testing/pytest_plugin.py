"""A plug-in for pytest: async tests as scenarios, and tests in virtual time.

It is loaded by itself. An async test function with one of these marks is the scenario; it needs no other
plug-in. It runs on asyncio and, if trio is installed, on trio; `backends=["asyncio"]` says otherwise, and
`schedule_backends` in the ini file for all tests.

- `@pytest.mark.explore(...)`: under many orders of its tasks. The options are those of `explore()`, but for
  `backend` and `processes`.
- `@pytest.mark.cancel_everywhere(...)`: with each task cancelled after each step. The options are those of
  `cancel_everywhere()`, but for the same two.
- `@pytest.mark.virtual_time`: once, in time that takes none.

A test has one of them; of those on function, class and module the nearest counts. A mark that is wrong fails
its test.

The fixtures of a test are made once, for all of its schedules. What keeps state must be made in the test:
ask for a fixture that gives a function which makes it.

`--schedule=TOKEN` runs one schedule again, and skips tests on another backend; `--schedules=N` and
`--schedules-seed=N` override what marks say.

The fixture `virtual_backend` is a backend in virtual time for the tests that AnyIO's plug-in runs.
`@pytest.mark.no_leaked_tasks` is for any async test, whoever runs it: it fails if a task is alive at its end
that was not there at its beginning.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from typing import Any, cast

import pytest
from anyio import get_cancelled_exc_class

from pynector.concurrency.task.lowlevel import leaves

from ._cancel import cancel_everywhere
from ._errors import without_cancellations
from ._explore import explore
from ._failure import Failure
from ._leaks import assert_no_leaked_tasks
from ._loop import ControlledLoop
from ._replay import raise_failures, run_again
from ._report import Report
from ._schedule import Schedule
from ._schedule_mark import ScheduleMark, backends_of, installed_backends, only_async, schedule_mark
from ._stuck import Stuck
from ._virtual_time import run_in_virtual_time

_BACKEND = "schedule_backend"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "schedule_backends", "backends of marked tests, unless their marks name some", type="args", default=[]
    )
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
    backends_of(config)
    token = config.getoption("schedule")
    if token is not None:
        try:
            Schedule.parse(token)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.fixture
def schedule_backend(request: pytest.FixtureRequest) -> str:
    """The backend on which a marked test runs: `asyncio` or `trio`."""
    return str(request.param)


@pytest.fixture(params=installed_backends())
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
    mark = schedule_mark(metafunc.definition, metafunc.function)
    if mark is not None and not mark.wrong:
        metafunc.fixturenames.append(_BACKEND)
        metafunc.parametrize(_BACKEND, mark.backends, indirect=True)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, object]:
    """Make each marked test a plain function, before a plug-in such as pytest-asyncio sees an async one."""
    made = yield
    for item in cast("list[object]", made) if isinstance(made, list) else (made,):
        if isinstance(item, pytest.Function):
            _prepare(item)
    return cast(object, made)


def _prepare(item: pytest.Function) -> None:
    function: Callable[..., Any] = item.obj
    guard, mark = item.get_closest_marker("no_leaked_tasks"), schedule_mark(item, function)
    wrong = mark.wrong if mark is not None else ""
    if guard is not None:
        wrong = wrong or only_async(guard.name, function)
        function = _guarded(function)
    if wrong:
        item.obj = _failing(item.obj, wrong)
    elif mark is not None:
        item.obj = _as_plain_function(item, function, mark)
        if item.get_closest_marker("asyncio") is not None:
            _run_without(item, "asyncio")
    elif guard is not None:
        item.obj = function


def _run_without(item: pytest.Function, plugin: str) -> None:
    """Keep another plug-in from a test that has its mark, too: it would run it, or warn of it."""
    manager = item.config.pluginmanager
    if manager.has_plugin(plugin):
        call = manager.subset_hook_caller("pytest_pyfunc_call", [manager.get_plugin(plugin)])
        item.runtest = lambda: call(pyfuncitem=item)  # type: ignore[method-assign]


def _failing(function: Callable[..., Any], wrong: str) -> Callable[..., None]:
    @wraps(function)
    def call(*args: Any, **fixtures: Any) -> None:
        _fail(wrong)

    return call


def _guarded(
    function: Callable[..., Coroutine[Any, Any, object]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    @wraps(function)
    async def call(*args: Any, **fixtures: Any) -> None:
        with assert_no_leaked_tasks():
            await function(*args, **fixtures)

    return call


def _as_plain_function(
    item: pytest.Function, function: Callable[..., Coroutine[Any, Any, object]], mark: ScheduleMark
) -> Callable[..., None]:
    run = _RUNNERS[mark.name]

    @wraps(function)
    def call(*args: Any, **fixtures: Any) -> None:
        __tracebackhide__ = True
        options = {**mark.options, "backend": item.callspec.params[_BACKEND]}
        left: list[BaseException] = []

        async def scenario() -> None:
            try:
                await function(*args, **fixtures)
            except BaseException as error:
                outcome = _outcome(error)
                if outcome is None:
                    raise
                left.append(outcome)

        scenario.__name__ = getattr(function, "__name__", scenario.__name__)
        if item.config.getoption("schedule") is not None and mark.name != "virtual_time":
            _run_again(item, scenario, options)
        else:
            run(item, scenario, options)
        for outcome in left:
            raise outcome

    return call


def _outcome(error: BaseException) -> BaseException | None:
    """The skip or the expected failure that *error* is, or that is in it and all else comes of."""
    outcomes = pytest.skip.Exception, pytest.xfail.Exception
    rest = without_cancellations(error, outcomes)
    if rest is not None:
        rest = without_cancellations(rest, get_cancelled_exc_class())
    return None if rest is not None else next(leaf for leaf in leaves(error) if isinstance(leaf, outcomes))


def _run_again(item: pytest.Function, scenario: Any, options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    token = str(item.config.getoption("schedule"))
    backend = Schedule.parse(token).backend
    if backend != options["backend"]:
        pytest.skip(f"{token} is a schedule of {backend}")
    failures = run_again(scenario, token, max_steps=options.get("max_steps", 10_000))
    _tell_command(item, failures)
    raise_failures(failures)


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
    _tell_command(item, report.failures)
    if not report.ok:
        _fail(str(report))  # it says where; --schedule shows the traceback


def _tell_command(item: pytest.Function, failures: list[Failure]) -> None:
    for failure in failures:
        failure.again = f"pytest {shlex.quote(item.nodeid)} --schedule={failure.token}"


def _virtual_time(item: pytest.Function, scenario: Any, options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    told = ""
    try:
        run_in_virtual_time(scenario, backend=options["backend"])
    except Stuck as stuck:
        told = f"Stuck: {stuck}"
    if told:
        _fail(told)  # outside, or pytest would show the other one, too


def _fail(text: str) -> None:
    pytest.fail(text, pytrace=False)  # not hidden: where all is hidden, pytest says so


_RUNNERS: dict[str, Callable[[pytest.Function, Any, dict[str, Any]], None]] = {
    "explore": _explore,
    "cancel_everywhere": _cancel_everywhere,
    "virtual_time": _virtual_time,
}
