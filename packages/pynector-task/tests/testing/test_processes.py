"""Schedules spread over processes."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere, explore


async def counts(lock: bool = False) -> None:
    total = 0
    guard = anyio.Lock() if lock else anyio.Semaphore(3)

    async def add(delay: int) -> None:
        nonlocal total
        for _ in range(delay):
            await checkpoint()
        async with guard:
            seen = total
            await checkpoint()
            total = seen + 1

    async with anyio.create_task_group() as tg:
        tg.start_soon(add, 0)
        tg.start_soon(add, 3)
    assert total == 2


async def sleeps() -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(anyio.sleep, 1)
        tg.start_soon(anyio.sleep, 1)


def test_schedules_are_shared_out() -> None:
    report = explore(partial(counts, True), schedules=101, processes=2)

    report.check()
    assert report.schedules == 101


def test_a_failure_in_another_process_can_be_replayed_here() -> None:
    (failure,) = explore(counts, schedules=600, processes=2).failures

    assert failure.replay.startswith('replay(counts, "asyncio/')


def test_the_same_is_cancelled_as_in_one_process() -> None:
    alone, together = cancel_everywhere(sleeps), cancel_everywhere(sleeps, processes=2)

    together.check()
    assert together.fired == alone.fired


def test_a_local_scenario_is_refused() -> None:
    async def local() -> None: ...

    with pytest.raises(ValueError, match="must be a function of a module, not local"):
        explore(local, processes=2)


def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pynector.concurrency.testing import explore\n"
        "async def scenario(): pass\n"
        "explore(scenario, processes=2, schedules=4)\n"
    )

    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    # Not the last line always: Python may warn after it of what the ended processes have left.
    start = "RuntimeError: a process ended before its schedules were run;"
    (told,) = (line for line in ended.stderr.splitlines() if line.startswith(start))
    assert 'a script must call this under `if __name__ == "__main__":`' in told
    assert "bootstrapping" not in ended.stderr


def test_a_search_is_not_spread() -> None:
    with pytest.raises(ValueError, match="not 'dfs'"):
        explore(counts, order="dfs", processes=2)
