"""What `explore()` promises."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import explore, invariant


async def counts_under_a_lock() -> None:
    lock, total = anyio.Lock(), 0

    async def add() -> None:
        nonlocal total
        async with lock:
            seen = total
            await checkpoint()
            total = seen + 1

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(add)
    assert total == 3


async def counts_without_a_lock() -> None:
    total = 0

    async def add(times: int) -> None:
        nonlocal total
        for _ in range(times):
            await checkpoint()
        seen = total
        await checkpoint()
        total = seen + 1

    async with anyio.create_task_group() as tg:
        tg.start_soon(add, 0)
        tg.start_soon(add, 3)
    assert total == 2


async def locks_crosswise() -> None:
    first, second = anyio.Lock(), anyio.Lock()

    async def take(one: anyio.Lock, other: anyio.Lock) -> None:
        async with one:
            await anyio.sleep(1)
            async with other:
                pass

    async with anyio.create_task_group() as tg:
        tg.start_soon(take, first, second)
        tg.start_soon(take, second, first)


async def sleeps_for_ever() -> None:
    while True:  # noqa: ASYNC110
        await anyio.sleep(3600)


async def swallows_everything() -> None:
    while True:
        with contextlib.suppress(BaseException):
            await anyio.sleep(1)


async def waits_in_a_shield() -> None:
    with anyio.CancelScope(shield=True):
        await anyio.Event().wait()


async def sleeps_for_an_hour() -> None:
    began = anyio.current_time()
    await anyio.sleep(3600)
    assert anyio.current_time() == began + 3600


async def waits_until_the_others_wait() -> None:
    event = anyio.Event()
    with anyio.move_on_after(1):
        async with anyio.create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(event.wait)
            await anyio.wait_all_tasks_blocked()
            event.set()
    assert event.is_set()


async def asks_a_thread() -> None:
    told: list[int] = []

    def work() -> int:
        anyio.from_thread.run_sync(told.append, 1)
        return 2

    assert await anyio.to_thread.run_sync(work) == 2
    assert told == [1]


async def leaves_a_task_behind() -> None:
    if trio.lowlevel.in_trio_run():
        trio.lowlevel.spawn_system_task(trio.sleep, 5)
    else:
        leaves_a_task_behind.task = asyncio.create_task(asyncio.sleep(5))  # type: ignore[attr-defined]


async def starts_at_once() -> None:
    began: list[bool] = []

    async def child() -> None:
        began.append(True)
        await checkpoint()

    async with asyncio.TaskGroup() as tg:
        tg.create_task(child())
        assert began


async def forgets_to_await() -> None:
    anyio.sleep(1)  # type: ignore[unused-coroutine]


async def fails_unseen() -> None:
    async def fail() -> None:
        raise ValueError("unseen")

    task = asyncio.create_task(fail())
    await asyncio.sleep(1)
    assert task.done()


async def breaks_its_invariant() -> None:
    items: list[int] = []
    invariant(lambda: len(items) < 2)
    for item in range(3):
        items.append(item)
        await checkpoint()


BACKENDS = ["asyncio", "trio"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_correct_scenario_is_clean(backend: str) -> None:
    report = explore(counts_under_a_lock, schedules=200, backend=backend)

    report.check()
    assert report.schedules == 200
    assert not report.failures


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_fails_only_in_another_order_is_found(backend: str) -> None:
    assert explore(counts_without_a_lock, order="fifo", backend=backend).ok
    assert not explore(counts_without_a_lock, schedules=1000, backend=backend).ok


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        (counts_without_a_lock, "exception"),
        (breaks_its_invariant, "invariant"),
        (locks_crosswise, "deadlock"),
        (sleeps_for_ever, "livelock"),
        (swallows_everything, "livelock"),
        (waits_in_a_shield, "deadlock"),
        (leaves_a_task_behind, "leaked task"),
        (forgets_to_await, "never awaited"),
    ],
)
def test_each_kind_of_failure_is_named(
    scenario: Callable[[], Coroutine[Any, Any, None]], kind: str, backend: str
) -> None:
    report = explore(scenario, max_steps=200, max_failures=3, backend=backend)

    assert [failure.kind for failure in report.failures] == [kind]
    with pytest.raises(AssertionError, match=kind):
        report.check()


def test_an_error_that_reaches_nobody_is_found() -> None:
    report = explore(fails_unseen)

    assert [failure.kind for failure in report.failures] == ["unhandled error"]
    assert "ValueError('unseen')" in report.failures[0].text


def test_an_error_of_a_generator_that_is_closed_in_the_end_is_found() -> None:
    async def scenario() -> None:
        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                raise LookupError("while closing")

        left_open.append(numbers())
        await anext(left_open[-1])

    left_open: list[AsyncIterator[int]] = []
    (failure,) = explore(scenario, schedules=10).failures

    assert failure.kind == "unhandled error"
    assert "numbers" in failure.text
    assert failure.text.endswith("LookupError('while closing')")


@pytest.mark.parametrize("backend", BACKENDS)
def test_time_is_virtual(backend: str) -> None:
    report = explore(sleeps_for_an_hour, order="fifo", backend=backend)

    report.check()
    assert report.seconds < 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_wait_all_tasks_blocked_does_not_let_time_pass(backend: str) -> None:
    explore(waits_until_the_others_wait, schedules=100, backend=backend).check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_may_be_used(backend: str) -> None:
    explore(asks_a_thread, schedules=2, backend=backend).check()


def test_tasks_may_start_eagerly() -> None:
    if sys.version_info < (3, 12):
        with pytest.raises(RuntimeError, match=r"Python 3\.12"):
            explore(counts_under_a_lock, eager=True)
    else:
        explore(counts_under_a_lock, eager=True).check()
        explore(starts_at_once, eager=True).check()
        assert not explore(starts_at_once).ok


def test_trio_has_no_eager_tasks() -> None:
    with pytest.raises(ValueError, match="trio has none"):
        explore(counts_under_a_lock, backend="trio", eager=True)


def test_what_is_no_async_function_is_refused() -> None:
    for wrong in (counts_under_a_lock(), print, 5):
        with pytest.raises(TypeError, match="scenario must be an async function, not"):
            explore(wrong)  # type: ignore[arg-type]


def test_an_object_with_an_async_call_will_do() -> None:
    class Scenario:
        async def __call__(self) -> None:
            await checkpoint()

    explore(Scenario(), schedules=3).check()


@pytest.mark.parametrize("option", ["schedules", "max_steps", "max_failures", "processes"])
def test_less_than_one_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be >= 1, not 0"):
        explore(counts_under_a_lock, **{option: 0})  # type: ignore[arg-type]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order must be one of fifo, random, pct, dfs, bfs, not 'lifo'"):
        explore(counts_under_a_lock, order="lifo")  # type: ignore[arg-type]


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'curio'"):
        explore(counts_under_a_lock, backend="curio")


def test_of_timers_that_are_due_together_either_may_be_the_first() -> None:
    async def scenario() -> None:
        called: list[int] = []
        loop = asyncio.get_running_loop()
        loop.call_at(1, called.append, 1)
        loop.call_at(1, called.append, 2)
        await asyncio.sleep(2)
        assert called == [1, 2]

    explore(scenario, order="fifo").check()
    (failure,) = explore(scenario, schedules=50).failures
    assert failure.raised[0].startswith("test_explore.py")
    assert failure.raised[0].endswith("assert called == [1, 2]")


@pytest.mark.parametrize("order", ["random", "pct", "dfs", "bfs"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_order_starves_a_task(order: Any, backend: str) -> None:
    """AnyIO's delivery of a cancellation spins while a task is shielded; a task may poll another."""

    async def scenario() -> None:
        ready = False

        async def clean_up() -> None:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1)
                for _ in range(5):
                    await checkpoint()

        async def get_ready() -> None:
            nonlocal ready
            await checkpoint()
            ready = True

        async with anyio.create_task_group() as tg:
            tg.start_soon(get_ready)
            while not ready:
                await checkpoint()
            tg.start_soon(clean_up)
            tg.start_soon(clean_up)
            await checkpoint()
            tg.cancel_scope.cancel()

    explore(scenario, schedules=100, order=order, backend=backend).check()


def test_callbacks_keep_their_order() -> None:
    async def scenario() -> None:
        called: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(3):
            loop.call_soon(called.append, number)
        await asyncio.sleep(1)
        assert called == [0, 1, 2]

    explore(scenario, schedules=50).check()


@pytest.mark.parametrize("order", ["fifo", "random"])
def test_it_is_no_deadlock_while_callbacks_are_ready_however_many(order: Any) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        for _ in range(100):
            loop.call_soon(lambda: None)
        loop.call_soon(done.set_result, None)
        await done

    explore(scenario, schedules=10, order=order).check()


def test_a_deadlock_names_the_tasks_and_the_lines_on_which_they_wait() -> None:
    (failure,) = explore(locks_crosswise, order="fifo").failures

    _, first, second = failure.waiting
    assert first.startswith("take#1 waits at test_explore.py")
    assert "async with other" in first
    assert second.startswith("take#2 waits at test_explore.py")


def test_a_failure_prints_its_schedule_and_the_line_that_replays_it() -> None:
    (failure,) = explore(locks_crosswise, order="fifo").failures

    assert "take#1  test_explore.py" in str(failure)
    assert 'replay(locks_crosswise, "asyncio/fifo")' in str(failure)


def test_explore_refuses_to_run_in_a_task() -> None:
    async def main() -> None:
        explore(counts_under_a_lock)

    with pytest.raises(RuntimeError, match="from a function"):
        anyio.run(main)


def test_invariant_refuses_to_be_called_outside_a_scenario() -> None:
    with pytest.raises(RuntimeError, match="in a scenario"):
        invariant(lambda: True)
