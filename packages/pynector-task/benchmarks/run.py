"""Runs the benchmarks of all packages, or of those that are named, and prints a table for each.

python packages/pynector-task/benchmarks/run.py [PACKAGE ...] [--only WORD] [--loops LOOP ...] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from harness import LOOPS, Table, as_text, measure, run_on
from machine import describe_machine
from page import write_page
from peak import peak_here, peaks_of

ROOT = Path(__file__).parents[3]
PACKAGES = ("task", "cancel", "primitives", "patterns")
RECORD = ROOT / "docs" / "benchmarks" / "results.json"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(PACKAGES)}")
    add("--only", default="", metavar="WORD", help="tables with this in their title")
    add("--loops", nargs="+", choices=LOOPS, default=LOOPS, metavar="LOOP", help=f"of {', '.join(LOOPS)}")
    add("--rounds", type=int, default=9, metavar="N")
    add("--json", type=Path, metavar="FILE", help="write the figures there, too")
    add("--record", action="store_true", help="take the figures into the documentation, with page and plots")
    add("--page", action="store_true", help="measure nothing; make page and plots of what was recorded")
    add("--peak", metavar="JSON", help="print the peak of one row: its table's title, its name, the loop")
    return parser.parse_args()


def tables_of(package: str) -> Iterator[Table]:
    """All tables of the modules in the package's benchmarks."""
    folder = ROOT / "packages" / f"pynector-{package}" / "benchmarks"
    sys.path.append(str(folder))
    for path in sorted(folder.glob("*.py")):
        if "\nTABLES = " in path.read_text(encoding="utf-8"):
            spec = spec_from_file_location(f"{package}_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            yield from module.TABLES


def run(table: Table, loop: str, rounds: int) -> dict[str, Any]:
    """Measure one table on one loop."""
    rounds = table.rounds(rounds)
    results = run_on(loop, measure, table, loop, rounds)
    print(as_text(results), flush=True)
    found: dict[str, Any] = {"rounds": rounds, "rows": [result.as_json() for result in results]}
    if table.peaks is not None and loop != "uvloop":
        found["peaks"] = peaks_of(table, loop)
        print(
            "  peaks:",
            ", ".join(f"{name} {peak / 1e6:.1f} MB" for name, peak in found["peaks"].items()),
            flush=True,
        )
    return found


def main() -> None:
    options = arguments()
    tables = {name: list(tables_of(name)) for name in PACKAGES}
    every = [table for name in options.packages or PACKAGES for table in tables[name]]
    if options.peak:
        title, name, loop = json.loads(options.peak)
        print(
            *(
                peak_here(row, loop)
                for table in every
                if table.title == title
                for row in table.rows
                if row.name == name
            )
        )
        return
    results: dict[str, Any] = {}
    for table in every:
        if options.only.lower() in table.title.lower() and not options.page:
            for loop in options.loops:
                if loop in table.rows[0].loops:
                    results.setdefault(table.title, {})[loop] = run(table, loop, options.rounds)
    found = {"machine": describe_machine(), "tables": results}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.record:
        recorded = json.loads(RECORD.read_text(encoding="utf-8"))["tables"] if RECORD.exists() else {}
        for title, loops in results.items():
            recorded.setdefault(title, {}).update(loops)
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(found | {"tables": recorded}, indent=1) + "\n", encoding="utf-8")
    if options.record or options.page:
        write_page(tables, json.loads(RECORD.read_text(encoding="utf-8")), RECORD.parent)


if __name__ == "__main__":
    main()
