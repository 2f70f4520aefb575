"""The page of the documentation that shows what was recorded."""

# ruff: noqa: RUF001  # signs of measure, for readers

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import LOOPS, Row, Table
from plot import draw

LOST = 1.05

INTRODUCTION = """\
# Benchmarks

<!-- Written by packages/pynector-task/benchmarks/run.py; do not edit. -->

What pynector costs, beside what one would take instead, on the same work in the same run. Each table holds
rows that do the same work; what a row gives for its time (whether a call is a checkpoint, whether it checks
its owner, whether each item has a handle or a context of its own) stands below its name.

How to read a cell: microseconds for one operation, the median; then pynector's time divided by this row's,
the median of the rounds, with the first and third quartile. Below 1, pynector takes less. The goal is the
largest ratio that we are content with; a missed one is **bold**. *Limit* rows are no alternatives: they show
what the event loop, or Python, costs by itself. Tables of growing sizes divide each row by the first one.

All rows of a table take turns in one event loop of one process, in another order in each round: what a busy
machine adds, it adds to all. Times are those of the processor. Differences under 5 % mean nothing.

To measure it yourself: `hatch run bench:all`, or one package with `hatch run bench:all patterns`; with
`--json FILE` the figures are kept. Those on this page are in [results.json](benchmarks/results.json).
"""


def write_page(tables: Mapping[str, Sequence[Table]], record: Mapping[str, Any], folder: Path) -> None:
    """Write the page beside *folder*, and the drawings into it."""
    found = {
        package: [
            (table, record["tables"][table.title]) for table in known if table.title in record["tables"]
        ]
        for package, known in tables.items()
    }
    every = [pair for pairs in found.values() for pair in pairs]
    lines = [INTRODUCTION, "## Where it was measured\n", "| | |\n| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in record["machine"].items()]
    lines += ["", *_lists(every), ""]
    for package, pairs in found.items():
        if pairs:
            lines.append(f"## {package}\n")
        for table, loops in pairs:
            name = f"{_slug(table.title)}.svg"
            (folder / name).write_text(draw(table, loops), encoding="utf-8")
            lines += [*_section(table, loops), f"![{table.title}](benchmarks/{name}){{ loading=lazy }}\n"]
    folder.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _lists(pairs: list[tuple[Table, Any]]) -> Iterator[str]:
    yield "## Where pynector loses\n"
    yield "More than 5 % behind somebody else, in the order of the tables below. In brackets: the goal, and"
    yield "what the *limit* row of the table takes of the same one's time: nothing is to be gained below.\n"
    yield from _told(pairs, _loss)
    yield "\n## Where a goal is missed\n"
    yield "Ahead of the other one, or level, but not by as much as we want; and where more costs more.\n"
    yield from _told(pairs, _miss)


def _told(pairs: list[tuple[Table, Any]], tell: Callable[[Table, Row, Any], str | None]) -> Iterator[str]:
    for table, loops in pairs:
        for row in table.rows:
            told = [(loop, tell(table, row, loops[loop])) for loop in LOOPS if loop in loops]
            if lost := [f"{text} on {loop}" for loop, text in told if text]:
                yield f"- {table.title}, to *{row.name}*: {'; '.join(lost)}"


def _loss(table: Table, row: Row, found: Mapping[str, Any]) -> str | None:
    is_peer = not (table.grows or row.name.startswith(("limit", "pynector")))
    ratio, bar = _ratio_and_bar(row, found)
    return _beside(table, ratio, bar, found) if is_peer and ratio is not None and ratio > LOST else None


def _miss(table: Table, row: Row, found: Mapping[str, Any]) -> str | None:
    ratio, bar = _ratio_and_bar(row, found)
    if ratio is None or bar is None or ratio <= bar or _loss(table, row, found):
        return None
    return _beside(table, ratio, bar, found)


def _beside(table: Table, ratio: float, bar: float | None, found: Mapping[str, Any]) -> str:
    """A ratio, and what there is to measure it by."""
    limits = [r["ours_to_it"]["median"] for r in found["rows"] if r["row"].startswith("limit")]
    beside = [] if bar is None else [f"goal {bar}"]
    if limits and not table.grows:
        beside.append(f"limit {ratio / min(limits):.2f}")
    return f"{ratio:.2f} ({', '.join(beside)})" if beside else f"{ratio:.2f}"


def _ratio_and_bar(row: Row, found: Mapping[str, Any]) -> tuple[float | None, float | None]:
    for result in found["rows"]:
        if result["row"] == row.name:
            return result["ours_to_it"]["median"], result["ours_to_it"]["bar"]
    return None, None


def _section(table: Table, loops: Mapping[str, Any]) -> Iterator[str]:
    shown = [loop for loop in LOOPS if loop in loops]
    peaks = [loop for loop in shown if "peaks" in loops[loop]]
    yield f"### {table.title}\n"
    if table.note:
        yield f"{table.note}\n"
    heads = ["", *shown, *(f"peak, {loop}" for loop in peaks)]
    yield "| " + " | ".join(heads) + " |"
    yield "| --- " * len(heads) + "|"
    for row in table.rows:
        cells = [_cell(row, loops[loop]) for loop in shown]
        cells += [_peak(table, row, loops[loop]["peaks"]) for loop in peaks]
        yield (
            f"| {row.name}"
            + (f"<br><small>{row.says}</small>" if row.says else "")
            + f" | {' | '.join(cells)} |"
        )
    yield ""


def _cell(row: Row, found: Mapping[str, Any]) -> str:
    for result in found["rows"]:
        if result["row"] == row.name:
            ratio, (low, high) = result["ours_to_it"]["median"], result["ours_to_it"]["quartiles"]
            bar = result["ours_to_it"]["bar"]
            text = f"{result['microseconds']:,.3g} µs<br>× {ratio:.3g} ({low:.3g}–{high:.3g})"
            goal = f"<br>goal {bar}" if bar is not None else ""
            return text + (f"<br>**goal {bar}**" if bar is not None and ratio > bar else goal)
    return ""


def _peak(table: Table, row: Row, peaks: Mapping[str, int]) -> str:
    if row.name not in peaks:
        return ""
    ratio = peaks[table.rows[0].name] / peaks[row.name]
    bar = (table.peaks or {}).get(row.name)
    goal = "" if bar is None else f"<br>**goal {bar}**" if ratio > bar else f"<br>goal {bar}"
    return f"{peaks[row.name] / 1e6:,.1f} MB<br>× {ratio:.3g}{goal}"
