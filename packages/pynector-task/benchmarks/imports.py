"""What it costs to import a leaf, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from harness import Row, Table, Timer, Work

LEAVES = ("task", "task.lowlevel", "testing", "cancel", "errors", "primitives", "patterns")
SCRIPT = """
from time import process_time
start = process_time()
import {module}, anyio._backends._asyncio
print(process_time() - start)
import sys
assert "trio" not in sys.modules
"""


def fresh(module: str) -> Callable[[], Work]:
    """Import *module* in a new process, with the backend that AnyIO loads when it runs."""

    def prepare() -> Work:
        async def work() -> Timer:
            command = [sys.executable, "-c", SCRIPT.format(module=module)]
            timer = Timer()
            timer.seconds = float(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: ASYNC221
            return timer

        return work

    return prepare


TABLES = [
    Table(
        "Import a leaf, and what running on asyncio needs",
        1,
        [
            Row("anyio", fresh("anyio"), "", ("asyncio",)),
            *(
                Row(leaf, fresh(f"pynector.concurrency.{leaf}"), "trio is not imported", ("asyncio",))
                for leaf in LEAVES
            ),
        ],
        dict.fromkeys(LEAVES, 1.15),
        note="The modules are compiled already. Each leaf is compared with AnyIO, which it needs anyway.",
        grows=True,
    )
]
