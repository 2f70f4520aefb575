"""Counts the machine instructions of hot paths, which a busy machine does not change.

python packages/pynector-task/benchmarks/instructions.py            compares with the counts that are kept
python packages/pynector-task/benchmarks/instructions.py --keep     keeps those of this run

Fails if a path executes over 5 % more than what is kept for this build of Python. Says so, and does not fail,
where it cannot compare: without valgrind, or on another build, which executes other instructions for the same
bytecode. The counts stand in `instructions.json`, by Python's minor version.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

KEPT = Path(__file__).with_name("instructions.json")
PATHS = Path(__file__).with_name("hot_paths.py")
ALLOWED = 1.05
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


def build() -> str:
    """What two runs must have in common to be compared."""
    python = f"{platform.python_version()} {platform.python_compiler()} {platform.machine()}"
    return f"{python}, anyio {version('anyio')}, trio {version('trio')}"


def count(loop: str) -> dict[str, int]:
    """Instructions for one operation, of each path on one loop.

    The paths ask for their parent's process id before and after their work, as nothing else does: each time,
    callgrind writes down what it has counted since the last.
    """
    with TemporaryDirectory() as folder:
        output = Path(folder) / "count"
        command = [
            *("setarch", "-R"),  # the same addresses each time: hashes of objects depend on them
            *("valgrind", "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={output}"),
            *(sys.executable, str(PATHS), loop),
        ]
        # A variable more or less would move the stack.
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = kept | {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        names = [line.split("\t") for line in done.stdout.splitlines()]
        # Dump 1 ends where the first path begins; every path makes two.
        dumps = [_total(output.with_name(f"count.{2 * number + 2}")) for number in range(len(names))]
    return {name: round(total / int(times)) for (name, times), total in zip(names, dumps, strict=True)}


def _total(dump: Path) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


def compare(counts: dict[str, int], kept: dict[str, int]) -> bool:
    """Print all counts, and tell whether none has grown too much."""
    good = True
    for name, now in counts.items():
        before = kept.get(name)
        change = "new" if before is None else f"{now / before - 1:+.1%}"
        grown = before is not None and now > before * ALLOWED
        print(f"{name:44} {now:9,}   {change}{'   TOO MANY' if grown else ''}")
        good = good and not grown
    return good


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="keep the counts of this run")
    keep = parser.parse_args().keep
    if shutil.which("valgrind") is None or shutil.which("setarch") is None:
        return print("instructions: not counted, there is no valgrind here")
    everything = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    kept = everything.get(MINOR, {"build": None, "counts": {}})
    if kept["build"] != build() and not keep:
        print("instructions: not compared, what is kept was counted on another build of Python")
        return print(f"  kept: {kept['build']}\n  here: {build()}")
    loops = ("asyncio", "trio")
    with ThreadPoolExecutor() as threads:  # counts do not mind that they share a machine
        by_loop = zip(loops, threads.map(count, loops), strict=True)
        counts = {f"{name}, {loop}": found for loop, counted in by_loop for name, found in counted.items()}
    good = compare(counts, kept["counts"])
    if keep:
        everything[MINOR] = {"build": build(), "counts": counts}
        KEPT.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    elif not good:
        raise SystemExit(
            "instructions: over 5 % more than what is kept; shorten the path, or --keep and say why"
        )


if __name__ == "__main__":
    main()
