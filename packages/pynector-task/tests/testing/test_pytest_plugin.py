"""Marks, options and fixtures, on test files that are written for it."""

from __future__ import annotations

import pytest

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


def test_marked_tests_are_scenarios(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess("-q", "--strict-markers")

    result.assert_outcomes(passed=7, failed=4)
    result.stdout.fnmatch_lines(
        [
            "*test_wrong: 1 kind of failure*",
            "*pytest '*::test_wrong?asyncio?' --schedule=asyncio/*",
            "*pytest '*::test_wrong?trio?' --schedule=trio/*",
            "*Stuck: nothing is ready to run*",
        ]
    )


def test_schedules_and_seed_can_be_given(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess("-q", "--schedules=2", "--schedules-seed=77", "-k", "test_wrong")

    result.stdout.fnmatch_lines(["*in 2 schedules*from 77*"])


def test_one_schedule_can_be_run_again(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess("-q", "--schedule=asyncio/fifo", "-k", "test_right or test_an_hour")
    result.assert_outcomes(passed=3, skipped=1)

    result = run.runpytest_inprocess("-q", "--schedule=nonsense", "-k", "test_right")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "not a schedule's token: 'nonsense'" in str(result.outlines + result.errlines)


def test_a_whole_suite_can_run_in_virtual_time(run: pytest.Pytester) -> None:
    run.makepyfile(VIRTUAL)

    result = run.runpytest_inprocess("-q")

    result.assert_outcomes(passed=2)
    assert result.duration < 60


def test_a_scenario_may_skip(run: pytest.Pytester) -> None:
    run.makepyfile(SKIPS)

    result = run.runpytest_inprocess("-q")

    result.assert_outcomes(skipped=2, xfailed=2)


def test_a_test_that_leaks_a_task_fails(run: pytest.Pytester) -> None:
    run.makepyfile(LEAKS)

    result = run.runpytest_inprocess("-q")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*1 tasks outlive the block that started them*", "*sleep*"])


def test_a_failure_shows_the_report_and_nothing_else(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)

    result = run.runpytest_inprocess("-q", "-k", "test_wrong and asyncio")

    shown = result.stdout.str()
    assert "test_wrong: 1 kind of failure" in shown
    assert "Traceback" not in shown
    assert "hidden" not in shown
    assert "exceptions were raised in the task group" not in shown


def test_a_schedule_run_again_shows_what_was_raised_and_how_to_see_it_again(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)
    found = run.runpytest_inprocess("-q", "-k", "test_wrong and asyncio")
    (token,) = {line.partition("--schedule=")[2] for line in found.outlines if "--schedule=" in line}

    result = run.runpytest_inprocess("-q", f"--schedule={token}", "-k", "test_wrong")

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*assert total == times*",
            "*The above exception was the direct cause of the following exception*",
            f"*pytest '*::test_wrong?asyncio?' --schedule={token}",
        ]
    )
    assert "replay(" not in result.stdout.str()


def test_a_fixture_that_keeps_state_is_told_of(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import anyio
        import pytest

        @pytest.fixture
        def pool():
            return [1]

        @pytest.fixture
        def make_pool():
            return lambda: [1]

        @pytest.mark.explore(schedules=5)
        async def test_once(pool):
            await anyio.sleep(pool.pop())

        @pytest.mark.explore(schedules=5)
        async def test_each_time(make_pool):
            await anyio.sleep(make_pool().pop())
        """
    )

    result = run.runpytest_inprocess("-q")

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*no failure, then exception (IndexError: pop from empty list); *fixture*"])


def test_a_failure_in_virtual_time_shows_the_lines_of_the_test_only(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import anyio
        import pytest

        @pytest.mark.virtual_time
        async def test_wrong():
            await anyio.sleep(1)
            assert 1 == 2
        """
    )

    result = run.runpytest_inprocess("-q")

    result.assert_outcomes(failed=2)
    assert "_virtual_time.py" not in result.stdout.str()
    assert "_loop.py" not in result.stdout.str()
