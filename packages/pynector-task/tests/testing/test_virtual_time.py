"""The small helpers, as plain functions."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import (
    ControlledLoop,
    Stuck,
    assert_no_leaked_tasks,
    explore,
    run_in_virtual_time,
    wait_until_blocked,
)

BACKENDS = ["asyncio", "trio"]
LIMIT = "pynector.concurrency.testing._virtual_time.MAX_STEPS_AT_ONCE"


@pytest.mark.parametrize("backend", BACKENDS)
def test_time_takes_none_and_the_result_is_returned(backend: str) -> None:
    async def nap(hours: float) -> float:
        began = anyio.current_time()
        await anyio.sleep(3600 * hours)
        return anyio.current_time() - began

    assert run_in_virtual_time(nap, 2, backend=backend) == 7200


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_passes_as_it_was_raised(backend: str) -> None:
    async def fail() -> None:
        await checkpoint()
        raise LookupError("missing")

    with pytest.raises(LookupError, match="missing"):
        run_in_virtual_time(fail, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_test_that_would_hang_says_who_waits_where(backend: str) -> None:
    async def hang() -> None:
        await anyio.Event().wait()

    with pytest.raises(Stuck, match=r"hang#0 waits at test_virtual_time.py:\d+ in hang: await anyio"):
        run_in_virtual_time(hang, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_test_that_would_go_on_for_ever_says_who_goes_round_where(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spin() -> None:
        with anyio.move_on_after(3600):
            while True:
                await checkpoint()

    monkeypatch.setattr(LIMIT, 1000)
    with pytest.raises(Stuck, match=r"1,000 steps, and no time has passed\n  spin#0 goes round at test_vir"):
        run_in_virtual_time(spin, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_test_may_take_many_steps_while_time_passes(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go_on() -> None:
        for _ in range(100):
            await anyio.sleep(1)

    monkeypatch.setattr(LIMIT, 20)
    run_in_virtual_time(go_on, backend=backend)


def test_errors_that_reach_nobody_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise LookupError("never retrieved")

        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                raise LookupError("while closing")

        left_open.append(numbers())
        await anext(left_open[0])
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.wait([asyncio.create_task(fail())])

    left_open: list[AsyncIterator[int]] = []
    run_in_virtual_time(scenario)

    for text in ("never retrieved", "while closing", "division by zero"):
        assert text in caplog.text
    assert "in fail\n" in caplog.text  # the traceback, too


@pytest.mark.parametrize("backend", BACKENDS)
def test_who_sleeps_for_ever_is_not_woken(backend: str) -> None:
    async def hang() -> None:
        with anyio.move_on_after(3600):
            await anyio.sleep_forever()
        assert anyio.current_time() < 86400  # an hour on the clock of either backend, which begins at 0
        await anyio.sleep_forever()

    with pytest.raises(Stuck, match=r"hang#0 waits at .*sleep"):
        run_in_virtual_time(hang, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure(interrupt: type[BaseException], backend: str) -> None:
    async def scenario() -> None:
        async with anyio.create_task_group() as tg:
            tg.start_soon(checkpoint)
            await checkpoint()
            raise interrupt

    with pytest.raises(interrupt):
        explore(scenario, backend=backend)


def test_time_does_not_pass_in_wait_until_blocked() -> None:
    async def scenario() -> None:
        lock = anyio.Lock()
        began = anyio.current_time()

        async def dawdle() -> None:
            for _ in range(5):
                await checkpoint()
            await lock.acquire()

        await lock.acquire()
        async with anyio.create_task_group() as tg:
            tg.start_soon(dawdle)
            tg.start_soon(anyio.sleep, 0.01)
            await wait_until_blocked()
            assert lock.statistics().tasks_waiting == 1
            assert anyio.current_time() == began
            lock.release()

    for backend in BACKENDS:
        explore(scenario, schedules=50, backend=backend).check()


@pytest.mark.anyio
async def test_wait_until_blocked_works_in_real_time_too() -> None:
    event = anyio.Event()
    async with anyio.create_task_group() as tg:
        tg.start_soon(event.wait)
        await wait_until_blocked()
        assert event.statistics().tasks_waiting == 1
        event.set()


@pytest.mark.anyio
@pytest.mark.on("asyncio")
async def test_a_leaked_task_is_named() -> None:
    async def forgotten() -> None:
        await anyio.Event().wait()

    with pytest.raises(AssertionError, match=r"forgotten waits at test_virtual_time.py"):
        with assert_no_leaked_tasks():
            task = asyncio.create_task(forgotten(), name="forgotten")
            await checkpoint()

    task.cancel()
    await asyncio.wait([task])


@pytest.mark.anyio
async def test_tasks_that_end_in_the_block_are_no_leak() -> None:
    with assert_no_leaked_tasks():
        async with anyio.create_task_group() as tg:
            tg.start_soon(checkpoint)


def test_a_virtual_clock_serves_anyio_run() -> None:
    async def main() -> float:
        await anyio.sleep(60)
        return anyio.current_time()

    assert anyio.run(main, backend_options={"loop_factory": ControlledLoop}) == 60


def test_neither_trio_nor_pytest_is_imported_without_need() -> None:
    code = (
        "import sys, pynector.concurrency.testing; sys.exit(not {'trio', 'pytest'}.isdisjoint(sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.asyncio
async def test_wait_until_blocked_sets_no_timer_where_all_rest_after_a_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def set_timer(*_: object) -> None:
        raise AssertionError("it waits for time to pass")

    async def dawdle() -> None:
        for _ in range(5):
            await checkpoint()
        await event.wait()

    event = asyncio.Event()
    task = asyncio.create_task(dawdle())
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "call_later", set_timer)  # what asyncio.sleep calls
        await wait_until_blocked()
    event.set()
    await task
