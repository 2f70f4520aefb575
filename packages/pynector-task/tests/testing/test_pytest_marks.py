"""What marks and the ini file may say."""

from __future__ import annotations

import pytest


def test_a_plain_test_cannot_be_explored(run: pytest.Pytester) -> None:
    run.makepyfile("import pytest\n\n@pytest.mark.explore\ndef test_plain(): ...\n")

    result = run.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*only an async test can be marked 'explore'*"])


@pytest.mark.parametrize(
    ("marks", "complaint"),
    [
        ("@pytest.mark.explore\n@pytest.mark.cancel_everywhere", "marked cancel_everywhere and explore"),
        ("@pytest.mark.explore(500)", "'explore' takes its options by name, not 500"),
        ("@pytest.mark.explore(backend='trio')", "'explore' takes no backend; use backends=[...]"),
        ("@pytest.mark.explore(backends='trio')", "backends must be a list such as ['asyncio'], not 'trio'"),
        ("@pytest.mark.explore(backends=[])", "backends must be a list such as ['asyncio'], not []"),
        ("@pytest.mark.explore(backends=['curio'])", "backends must be of asyncio, trio, not 'curio'"),
        ("@pytest.mark.explore(processes=2)", "'explore' takes no processes"),
        ("@pytest.mark.explore(orders=2)", "'explore' takes no option 'orders'"),
        ("@pytest.mark.virtual_time(seed=2)", "'virtual_time' takes no option 'seed'"),
    ],
)
def test_a_mark_that_is_wrong_fails_its_test_alone(run: pytest.Pytester, marks: str, complaint: str) -> None:
    run.makepyfile(f"import pytest\n\n{marks}\nasync def test_wrong(): ...\n\ndef test_right(): ...\n")

    result = run.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    assert complaint in result.stdout.str()


def test_a_plain_test_marked_for_leaks_fails_alone(run: pytest.Pytester) -> None:
    run.makepyfile("import pytest\n\n@pytest.mark.no_leaked_tasks\ndef test_plain(): ...\n")

    result = run.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*only an async test can be marked 'no_leaked_tasks'*"])


def test_the_ini_file_names_the_backends(run: pytest.Pytester) -> None:
    run.makeini("[pytest]\nschedule_backends = asyncio\nasyncio_default_fixture_loop_scope = function\n")
    run.makepyfile(
        """
        import pytest

        @pytest.mark.explore(schedules=2)
        async def test_default(): ...

        @pytest.mark.explore(schedules=2, backends=["trio"])
        async def test_other(): ...
        """
    )

    result = run.runpytest_inprocess("-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_default?asyncio?*", "*test_other?trio?*"])


def test_a_backend_in_the_ini_file_that_does_not_exist_is_refused(run: pytest.Pytester) -> None:
    run.makeini("[pytest]\nschedule_backends = curio\n")

    result = run.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "schedule_backends must be of asyncio, trio, not 'curio'" in str(result.outlines + result.errlines)


def test_the_nearest_mark_counts(run: pytest.Pytester) -> None:
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

    result = run.runpytest_inprocess("-q", "--strict-markers")

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("options", ["faults=['scope', 'native']", "eager=True"])
def test_what_only_asyncio_has_is_run_on_asyncio_alone(run: pytest.Pytester, options: str) -> None:
    run.makepyfile(
        f"""
        import pytest

        @pytest.mark.cancel_everywhere({options})
        async def test_it(): ...

        @pytest.mark.cancel_everywhere(faults=["interrupt"])
        async def test_other(): ...
        """
    )

    result = run.runpytest_inprocess("--collect-only", "-q")

    collected = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert collected == ["test_it[asyncio]", "test_other[asyncio]", "test_other[trio]"]


@pytest.mark.parametrize("faults", ["5", "[[]]", "'scope'"])
def test_faults_that_are_wrong_fail_their_test_alone(run: pytest.Pytester, faults: str) -> None:
    run.makepyfile(
        f"""
        import pytest

        @pytest.mark.cancel_everywhere(faults={faults}, backends=["asyncio"])
        async def test_wrong(): ...

        @pytest.mark.cancel_everywhere(faults={faults})
        async def test_wrong_everywhere(): ...

        def test_right(): ...
        """
    )

    run.runpytest_inprocess().assert_outcomes(passed=1, failed=3)


def test_where_trio_alone_is_asked_for_what_only_asyncio_has_is_skipped(run: pytest.Pytester) -> None:
    run.makeini("[pytest]\nschedule_backends = trio\nasyncio_default_fixture_loop_scope = function\n")
    run.makepyfile(
        "import pytest\n\n@pytest.mark.cancel_everywhere(faults=['native'])\nasync def test_it(): ...\n"
    )

    run.runpytest_inprocess().assert_outcomes(skipped=1)
