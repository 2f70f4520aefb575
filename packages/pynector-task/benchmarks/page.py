"""The page of the documentation that shows what was recorded."""

# ruff: noqa: RUF001  # signs of measure, for readers

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import LOOPS, Row, Table
from plot import as_time, draw

LOST = 1.05

INTRODUCTION = """\
---
description: What pynector costs beside its alternatives, in ten lines, and every table with its figures.
search: {boost: 0.3}
---
# Benchmarks

<!-- Written by packages/pynector-task/benchmarks/run.py; do not edit. -->

What pynector costs, and what one would take instead, on the same work in the same run. In ten lines, on
asyncio; 2 × means that the other takes twice as long, and below 1 it is faster:
"""

READING = """\
## How to read it

A table holds rows that do the same work, in microseconds or milliseconds for one operation: the
median. The factor behind it is the row's time divided by pynector's, with the first and third
quartile of all rounds: at "3.9 ×" the other takes 3.9 times as long, below 1 it is faster. A goal
is the least factor that we are content with. *Limit* rows are no alternatives: they show what the
event loop, or Python, costs by itself. What a row gives for its time (whether a call is a
checkpoint, whether it checks its owner, whether each item has a handle) stands below its name. In
tables of growing sizes all rows are pynector's, and the factor compares with the first row.

All rows of a table take turns in one event loop of one process, in another order in each round:
what a busy machine adds, it adds to all. Times are those of the processor. Differences under 5 %
mean nothing.

To measure it yourself: `hatch run bench:all`, or one package with `hatch run bench:all patterns`;
with `--json FILE` the figures are kept. Those on this page are in
[results.json](benchmarks/results.json).
"""

TEN_LINES = {  # what is shown first: the title of a table, and how the summary calls it
    "Connection pool: acquire and release, a connection is free": "lend a free connection",
    "Connection pool: 1,000 tasks on 10 connections": "lend one of 10 among 1,000 tasks",
    "Bounded map: 100,000 trivial items, 100 at a time": "map an item, 100 at a time",
    "Retry: one call that succeeds at once": "a call with retries that succeeds",
    "Worker pool: 10 workers, trivial items": "an item through 10 workers",
    "Lock, free: `async with`": "take a free lock",
    "Lock, contended: hand-over among 100 tasks": "hand a lock over among 100 tasks",
    "Queue of 10: put an item and get it": "put an item and get it",
    "PriorityQueue: put_nowait of 2,000 items, and get_nowait": "an item through a priority queue",
    "Start and join 1,000 children": "start and join a task, of 1,000",
}


def write_page(tables: Mapping[str, Sequence[Table]], record: Mapping[str, Any], folder: Path) -> None:
    """Write the page beside *folder*, and the drawings into it."""
    found = {
        package: [
            (table, record["tables"][table.title]) for table in known if table.title in record["tables"]
        ]
        for package, known in tables.items()
    }
    every = [pair for pairs in found.values() for pair in pairs]
    lines = [INTRODUCTION, *_summary(every), "", *_lists(every), READING]
    lines += ["## Where it was measured\n", "| | |\n| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in record["machine"].items()]
    lines.append("")
    for package, pairs in found.items():
        if pairs:
            lines.append(f"## {package}\n")
        for table, loops in pairs:
            name = f"{_slug(table.title)}.svg"
            (folder / name).write_text(draw(table, loops), encoding="utf-8")
            section = [*_section(table, loops), f"![{table.title}](benchmarks/{name})"]
            lines += _folded(table.title.replace('"', "'"), section)
    folder.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return [f'??? note "{title}"\n', *(f"    {line}" if line else "" for line in lines), ""]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _summary(pairs: list[tuple[Table, Any]]) -> Iterator[str]:
    """For each of the ten: what ours takes, and what others take."""
    yield "| time to … | pynector | others take |"
    yield "| --- | --- | --- |"
    known = {table.title: (table, loops) for table, loops in pairs}
    for title, words in TEN_LINES.items():
        if title in known and "asyncio" in known[title][1]:
            table, loops = known[title]
            results = {result["row"]: result for result in loops["asyncio"]["rows"]}
            ours = next(row.name for row in table.rows if row.name in results)
            others = [
                f"{row.name} {_factor(table, results[row.name])}"
                for row in table.rows
                if row.name in results and not row.name.startswith(("limit", "pynector")) and row.name != ours
            ]
            yield f"| {words} | {as_time(results[ours]['microseconds'])} | {'<br>'.join(others)} |"


def _factor(table: Table, result: Mapping[str, Any]) -> str:
    """How much longer the row takes than ours; in tables of growing sizes, than the first row."""
    ratio = result["ours_to_it"]["median"]
    return f"{_number(ratio if table.grows else 1 / ratio)}\u00a0×"


def _number(value: float) -> str:
    """Three digits, or two for what is large."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 2 else f"{value:.2f}"


def _lists(pairs: list[tuple[Table, Any]]) -> Iterator[str]:
    for title, words, tell in (
        ("Where pynector is more than 5 % slower than another", LOSSES, _loss),
        ("Where a goal is missed", MISSES, _miss),
    ):
        told = [line for line in _told(pairs, tell) if line]
        yield from _folded(f"{title}: {len(told)} rows", [words, "", *told])


LOSSES = "In the order of the tables below. The factor is the other's time divided by pynector's."
MISSES = "Faster than the other, or level, but by less than the goal; and where more costs more."


def _told(pairs: list[tuple[Table, Any]], tell: Callable[[Table, Row, Any], str | None]) -> Iterator[str]:
    for table, loops in pairs:
        for row in table.rows:
            told = [(loop, tell(table, row, loops[loop])) for loop in LOOPS if loop in loops]
            if lost := [f"{text} on {loop}" for loop, text in told if text]:
                yield f"- {table.title}, to *{row.name}*: {'; '.join(lost)}"


def _loss(table: Table, row: Row, found: Mapping[str, Any]) -> str | None:
    is_peer = not (table.grows or row.name.startswith(("limit", "pynector")))
    ratio, bar = _ratio_and_bar(row, found)
    return _beside(table, ratio, bar) if is_peer and ratio is not None and ratio > LOST else None


def _miss(table: Table, row: Row, found: Mapping[str, Any]) -> str | None:
    ratio, bar = _ratio_and_bar(row, found)
    if ratio is None or bar is None or ratio <= bar or _loss(table, row, found):
        return None
    return _beside(table, ratio, bar)


def _beside(table: Table, ratio: float, bar: float | None) -> str:
    """The factor, and its goal."""
    factor = _number(ratio if table.grows else 1 / ratio)
    return f"{factor} ×" if bar is None else f"{factor} × (goal {_number(bar if table.grows else 1 / bar)})"


def _ratio_and_bar(row: Row, found: Mapping[str, Any]) -> tuple[float | None, float | None]:
    for result in found["rows"]:
        if result["row"] == row.name:
            return result["ours_to_it"]["median"], result["ours_to_it"]["bar"]
    return None, None


def _section(table: Table, loops: Mapping[str, Any]) -> Iterator[str]:
    shown = [loop for loop in LOOPS if loop in loops]
    peaks = [loop for loop in shown if "peaks" in loops[loop]]
    if table.note:
        yield f"{table.note}\n"
    heads = ["", *shown, *(f"peak, {loop}" for loop in peaks)]
    yield "| " + " | ".join(heads) + " |"
    yield "| --- " * len(heads) + "|"
    for row in table.rows:
        cells = [_cell(table, row, loops[loop]) for loop in shown]
        cells += [_peak(table, row, loops[loop]["peaks"]) for loop in peaks]
        yield (
            f"| {row.name}"
            + (f"<br><small>{row.says}</small>" if row.says else "")
            + f" | {' | '.join(cells)} |"
        )
    yield ""


def _cell(table: Table, row: Row, found: Mapping[str, Any]) -> str:
    for place, result in enumerate(found["rows"]):
        if result["row"] == row.name:
            time = as_time(result["microseconds"])
            if place == 0:
                return time
            ratio, bar = result["ours_to_it"]["median"], result["ours_to_it"]["bar"]
            low, high = result["ours_to_it"]["quartiles"]
            if not table.grows:
                low, high = 1 / high, 1 / low
            spread = f"<small>({_number(low)}–{_number(high)})</small>"
            return f"{time}<br>{_factor(table, result)} {spread}{_goal(table.grows, ratio, bar)}"
    return ""


def _goal(grows: bool, ratio: float, bar: float | None) -> str:
    if bar is None:
        return ""
    goal = _number(bar if grows else 1 / bar)
    return f"<br>**goal {goal} missed**" if ratio > bar else f"<br>goal {goal}"


def _peak(table: Table, row: Row, peaks: Mapping[str, int]) -> str:
    if row.name not in peaks:
        return ""
    ratio = peaks[table.rows[0].name] / peaks[row.name]
    bar = (table.peaks or {}).get(row.name)
    return f"{peaks[row.name] / 1e6:,.1f} MB<br>{_number(1 / ratio)} ×{_goal(False, ratio, bar)}"
