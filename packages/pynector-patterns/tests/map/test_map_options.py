"""What the options of `concurrent_map` promise."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import MapProgress, RetryPolicy, concurrent_map, retry_pauses_off

pytestmark = pytest.mark.anyio


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def odd_ones_fail(number: int) -> int:
    await checkpoint()
    if number % 2:
        raise ValueError(number)
    return number


async def test_outcomes_come_in_order_each_with_its_item() -> None:
    async with concurrent_map(odd_ones_fail, range(5), max_concurrency=3, return_exceptions=True) as outcomes:
        got = [outcome async for outcome in outcomes]

    assert [outcome.item for outcome in got] == list(range(5))
    assert [outcome.error is None for outcome in got] == [True, False, True, False, True]
    assert got[2].result == 2
    assert repr(got[2]) == "<Outcome of 2: 2>"
    assert repr(got[3]) == "<Outcome of 3: ValueError(3)>"
    with pytest.raises(ValueError, match="3"):
        _ = got[3].result


@pytest.mark.virtual_time
async def test_timeout_is_for_each_item() -> None:
    async def work(number: int) -> int:
        if number == 1:
            await anyio.sleep_forever()
        await anyio.sleep(0.02)
        return number

    async with concurrent_map(
        work, range(4), max_concurrency=1, timeout=0.06, return_exceptions=True
    ) as outcomes:
        errors = [type(outcome.error) async for outcome in outcomes]

    assert errors == [type(None), TimeoutError, type(None), type(None)]


async def test_retry_calls_again_for_an_item_that_fails() -> None:
    calls: list[int] = []

    async def work(number: int) -> int:
        calls.append(number)
        if calls.count(number) < 3:
            raise OSError
        return number

    with retry_pauses_off():
        async with concurrent_map(
            work, range(3), max_concurrency=1, retry=RetryPolicy(attempts=3)
        ) as results:
            assert [result async for result in results] == [0, 1, 2]

    assert calls == [0, 0, 0, 1, 1, 1, 2, 2, 2]


async def test_retry_may_be_anything_that_calls_the_function() -> None:
    async def twice(func: Callable[[int], Awaitable[int]], item: int) -> int:
        return await func(item) + await func(item)

    async with concurrent_map(double, range(3), max_concurrency=2, retry=twice) as results:
        assert [result async for result in results] == [0, 4, 8]


async def test_calls_begin_at_the_rate_further_attempts_included() -> None:
    begun: list[float] = []

    async def work(_: int) -> None:
        begun.append(anyio.current_time())

    async def twice(func: Callable[[int], Awaitable[None]], item: int) -> None:
        await func(item)
        await func(item)

    async with concurrent_map(
        work, range(4), max_concurrency=8, retry=twice, max_per_second=100, burst=3
    ) as results:
        async for _ in results:
            pass

    assert len(begun) == 8
    # Eight calls: three at once, then five, a hundredth of a second each; clocks are a little coarse.
    assert begun[-1] - begun[0] > 0.045


async def test_on_progress_is_told_of_each_item() -> None:
    told: list[MapProgress] = []

    async with concurrent_map(
        odd_ones_fail, range(4), max_concurrency=1, return_exceptions=True, on_progress=told.append
    ) as outcomes:
        async for _ in outcomes:
            pass

    assert told == [MapProgress(1, 0, 4), MapProgress(2, 1, 4), MapProgress(3, 1, 4), MapProgress(4, 2, 4)]


async def test_on_progress_sees_the_context_of_the_block() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="of the block")
    seen: list[str] = []

    async def work(_: int) -> None:
        variable.set("of a call")

    async with concurrent_map(
        work, range(3), max_concurrency=1, on_progress=lambda _: seen.append(variable.get())
    ) as results:
        async for _ in results:
            pass

    assert seen == ["of the block"] * 3


async def test_total_is_unknown_of_an_input_without_a_length() -> None:
    told: list[MapProgress] = []

    async with concurrent_map(double, iter([1]), max_concurrency=1, on_progress=told.append) as results:
        await anext(results)

    assert told == [MapProgress(1, 0, None)]


async def test_error_of_on_progress_is_raised_by_the_iteration() -> None:
    def complain(_: MapProgress) -> None:
        raise KeyError("complaint")

    async with concurrent_map(double, [1], max_concurrency=1, on_progress=complain) as results:
        with pytest.raises(KeyError, match="complaint"):
            await anext(results)


async def test_progress_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="the extra 'progress' is not installed")

    async with concurrent_map(double, range(3), max_concurrency=1, progress=True) as results:
        async for _ in results:
            pass

    assert "3/3" in capsys.readouterr().err


async def test_progress_without_tqdm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)

    with pytest.raises(ImportError, match=r"^progress=True needs tqdm.*pynector-patterns\[progress\]"):
        concurrent_map(double, [], max_concurrency=1, progress=True)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"func": 5}, TypeError, "func must be callable, not 5"),
        ({"items": 5}, TypeError, "items must be an iterable or an async iterable, not 5"),
        ({"max_concurrency": 0}, ValueError, "max_concurrency must be >= 1, not 0"),
        ({"max_concurrency": 1.5}, TypeError, "max_concurrency must be an int, not 1.5"),
        ({"window": 2}, ValueError, "window must be >= max_concurrency, 3, not 2"),
        ({"timeout": -1}, ValueError, "timeout must be >= 0 seconds, not -1"),
        ({"timeout": float("nan")}, ValueError, "timeout must not be NaN"),
        ({"retry": 5}, TypeError, "retry must be a RetryPolicy, or be called like one, not 5"),
        ({"max_per_second": 0}, ValueError, "max_per_second must be > 0, not 0"),
        ({"max_per_second": "5"}, TypeError, "max_per_second must be a number, not '5'"),
        ({"burst": 2}, ValueError, "burst needs max_per_second, or must be 1, not 2"),
        ({"burst": 0}, ValueError, "burst must be >= 1, not 0"),
        ({"on_progress": 5}, TypeError, "on_progress must be callable, not 5"),
    ],
)
async def test_wrong_use_says_what_is_wrong(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    call: dict[str, Any] = {"func": double, "items": [], "max_concurrency": 3, **arguments}

    with pytest.raises(error, match=f"^{words}$"):
        concurrent_map(**call)


@pytest.mark.parametrize("timeout", [None, 1.0])
async def test_a_plain_function_is_named(timeout: float | None) -> None:
    def plain(item: int) -> int:
        return item

    with pytest.raises(
        TypeError, match=r"func must be an async function: .*plain\(\) gave 1, which cannot be"
    ):
        async with concurrent_map(plain, [1], max_concurrency=2, timeout=timeout) as results:  # type: ignore[arg-type]
            async for _ in results:
                pass


async def test_a_policy_logs_the_name_of_the_function_that_is_mapped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def flaky(item: int) -> int:
        if not caplog.records:
            raise ConnectionError("reset by peer")
        return item

    policy = RetryPolicy(backoff=0, jitter=0)
    assert [item async for item in _results(flaky, policy)] == [1]

    (record,) = caplog.records
    assert "flaky: attempt 1 of 3 failed" in record.getMessage()


async def _results(func: Any, policy: RetryPolicy) -> Any:
    async with concurrent_map(func, [1], max_concurrency=1, retry=policy) as results:
        async for result in results:
            yield result
