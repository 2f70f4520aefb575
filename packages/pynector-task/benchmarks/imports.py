"""What it costs to import a leaf, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from harness import Row, Table, Timer, Work

LEAVES = ("task", "task.lowlevel", "testing", "cancel", "errors", "primitives", "patterns")
USES = (
    ("task", "create_task_group"),
    ("primitives", "Lock"),
    ("patterns", "retry_with_timeout"),
    ("patterns", "parallel_requests"),
    ("patterns", "WorkerPool"),
    ("patterns", "ConnectionPool"),
    ("testing", "explore"),
    ("patterns", "*"),
)
SCRIPT = """
from time import process_time
start = process_time()
import anyio._backends._asyncio
{statement}
print(process_time() - start)
import sys
assert "trio" not in sys.modules
"""


def fresh(statement: str) -> Callable[[], Work]:
    """Run an import in a new process, with the backend that AnyIO loads when it runs."""

    def prepare() -> Work:
        async def work() -> Timer:
            command = [sys.executable, "-c", SCRIPT.format(statement=statement)]
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
            Row("anyio", fresh("import anyio"), "", ("asyncio",)),
            *(
                Row(
                    leaf,
                    fresh(f"import pynector.concurrency.{leaf}"),
                    "what it holds is imported when it is asked for; trio is not",
                    ("asyncio",),
                )
                for leaf in LEAVES
            ),
        ],
        dict.fromkeys(LEAVES, 1.15),
        note="The modules are compiled already. Each leaf is compared with AnyIO, which it needs anyway.",
        grows=True,
    ),
    Table(
        "Import a name, and what running on asyncio needs",
        1,
        [
            Row("anyio", fresh("import anyio"), "", ("asyncio",)),
            *(
                Row(
                    f"{leaf}: {name}",
                    fresh(f"from pynector.concurrency.{leaf} import {name}"),
                    "trio is not imported",
                    ("asyncio",),
                )
                for leaf, name in USES
            ),
        ],
        note="The modules are compiled already. What a program pays that uses just this name of the leaf.",
        grows=True,
    ),
]
