"""The most memory that a row takes at a time, told by a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

from harness import Row, Table, run_on

RUN = Path(__file__).with_name("run.py")


def peaks_of(table: Table, loop: str) -> dict[str, int]:
    """The peak of each row, in bytes."""
    peaks = {}
    for row in table.rows:
        if loop in row.loops:
            command = [sys.executable, str(RUN), "--peak", json.dumps([table.title, row.name, loop])]
            peaks[row.name] = int(subprocess.run(command, check=True, capture_output=True).stdout)
    return peaks


def peak_here(row: Row, loop: str) -> int:
    """The peak of one row, in this process."""
    return run_on(loop, _peak, row)


async def _peak(row: Row) -> int:
    await row.make()()  # what is imported or made once does not count
    work = row.make()
    tracemalloc.start()
    try:
        await work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
