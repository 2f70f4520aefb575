"""Marks, options and fixtures, on test files that are written for it."""

from __future__ import annotations

import pytest

PLUGIN = "pynector.concurrency.testing.pytest_plugin"

TESTS = """
import anyio
import pytest
from anyio.lowlevel import checkpoint

@pytest.fixture
def three():
    return 3

async def count(times, lock):
    total = 0

    async def add(delay):
        nonlocal total
        for _ in range(delay):
            await checkpoint()
        async with lock:
            seen = total
            await checkpoint()
            total = seen + 1

    async with anyio.create_task_group() as tg:
        for number in range(times):
            tg.start_soon(add, 2 * number)
    assert total == times

class NoLock:
    async def __aenter__(self): ...
    async def __aexit__(self, *exc_info): ...

@pytest.mark.explore(schedules=300)
async def test_right(three):
    await count(three, anyio.Lock())

@pytest.mark.explore
async def test_wrong(three):
    await count(three, NoLock())

class TestClass:
    @pytest.mark.explore(backends=["asyncio"], schedules=10)
    async def test_method(self, three):
        await count(three, anyio.Lock())

@pytest.mark.cancel_everywhere
async def test_cancelled(three):
    async with anyio.create_task_group() as tg:
        tg.start_soon(anyio.sleep, three)

@pytest.mark.virtual_time
async def test_an_hour():
    await anyio.sleep(3600)
    assert anyio.current_time() >= 3600

@pytest.mark.virtual_time
async def test_stuck():
    await anyio.Event().wait()
"""

VIRTUAL = """
import anyio
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend(virtual_backend):
    return virtual_backend

async def test_an_hour():
    began = anyio.current_time()
    await anyio.sleep(3600)
    assert anyio.current_time() - began == 3600
"""

SKIPS = """
import pytest

@pytest.mark.explore
async def test_skips():
    pytest.skip("not here")

@pytest.mark.virtual_time
async def test_fails_as_expected():
    pytest.xfail("not yet")
"""

LEAKS = """
import asyncio
import anyio
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.no_leaked_tasks
async def test_leaks():
    global task
    task = asyncio.create_task(asyncio.sleep(1))

@pytest.mark.no_leaked_tasks
async def test_is_clean():
    await asyncio.create_task(asyncio.sleep(0))
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def loading(config: pytest.Config) -> list[str]:
    """Arguments that load the plug-in where its entry point is not installed."""
    return [] if config.pluginmanager.has_plugin("pynector-testing") else ["-p", PLUGIN]


def test_marked_tests_are_scenarios(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess("-q", "--strict-markers", *loading(pytestconfig))

    result.assert_outcomes(passed=7, failed=4)
    result.stdout.fnmatch_lines(
        [
            "*test_wrong: 1 kind of failure*",
            "*pytest '*::test_wrong?asyncio?' --schedule=asyncio/*",
            "*pytest '*::test_wrong?trio?' --schedule=trio/*",
            "*Stuck: nothing is ready to run*",
        ]
    )


def test_schedules_and_seed_can_be_given(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess(
        "-q", "--schedules=2", "--schedules-seed=77", "-k", "test_wrong", *loading(pytestconfig)
    )

    result.stdout.fnmatch_lines(["*in 2 schedules*from 77*"])


def test_one_schedule_can_be_run_again(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess(
        "-q", "--schedule=asyncio/fifo", "-k", "test_right or test_an_hour", *loading(pytestconfig)
    )
    result.assert_outcomes(passed=4)

    result = run.runpytest_inprocess("-q", "--schedule=nonsense", "-k", "test_right", *loading(pytestconfig))
    result.stdout.fnmatch_lines(["*not a schedule's token: 'nonsense'*"])


def test_a_plain_test_cannot_be_explored(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile("import pytest\n\n@pytest.mark.explore\ndef test_plain(): ...\n")

    result = run.runpytest_inprocess(*loading(pytestconfig))

    assert result.ret != 0
    result.stderr.fnmatch_lines(["*only an async test can be marked 'explore'*"])


def test_a_whole_suite_can_run_in_virtual_time(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(VIRTUAL)

    result = run.runpytest_inprocess("-q", *loading(pytestconfig))

    result.assert_outcomes(passed=2)
    assert result.duration < 60


def test_a_scenario_may_skip(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(SKIPS)

    result = run.runpytest_inprocess("-q", *loading(pytestconfig))

    result.assert_outcomes(skipped=2, xfailed=2)


def test_a_test_that_leaks_a_task_fails(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(LEAKS)

    result = run.runpytest_inprocess("-q", *loading(pytestconfig))

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*1 tasks outlive the block that started them*", "*sleep*"])


@pytest.mark.parametrize(
    ("marks", "complaint"),
    [
        ("@pytest.mark.explore\n@pytest.mark.cancel_everywhere", "marked cancel_everywhere and explore"),
        ("@pytest.mark.explore(500)", "'explore' takes its options by name, not 500"),
    ],
)
def test_a_mark_that_would_do_nothing_is_refused(
    run: pytest.Pytester, pytestconfig: pytest.Config, marks: str, complaint: str
) -> None:
    run.makepyfile(f"import pytest\n\n{marks}\nasync def test_both(): ...\n")

    result = run.runpytest_inprocess(*loading(pytestconfig))

    assert result.ret != 0
    assert complaint in result.stdout.str() + result.stderr.str()


def test_the_nearest_mark_counts(run: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    run.makepyfile(
        """
        import anyio
        import pytest

        pytestmark = pytest.mark.cancel_everywhere

        @pytest.mark.virtual_time
        async def test_an_hour_without_a_task_to_cancel():
            await anyio.sleep(3600)
        """
    )

    result = run.runpytest_inprocess("-q", "--strict-markers", *loading(pytestconfig))

    result.assert_outcomes(passed=2)
