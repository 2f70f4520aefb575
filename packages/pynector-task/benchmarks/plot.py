"""One table as a drawing: bars on a logarithmic scale, for light and dark pages."""

# ruff: noqa: RUF001  # signs of measure, for readers

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from harness import LOOPS, Table

NAMES, WIDTH, VALUES = 270, 380, 90
THICK, GAP, TOP = 12, 10, 34
STYLE = """
  .page { fill: #ffffff } text { fill: #222222; font: 12px sans-serif } .grid { stroke: #dddddd }
  .ours { font-weight: bold } .asyncio { fill: #00796b } .uvloop { fill: #f39c12 } .trio { fill: #5c6bc0 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #1e2129 } text { fill: #e2e4e9 } .grid { stroke: #3a3f4b }
    .asyncio { fill: #4db6ac } .uvloop { fill: #ffb74d } .trio { fill: #9fa8da }
  }
"""


def draw(table: Table, loops: Mapping[str, Any]) -> str:
    """The drawing, as the text of an SVG file: microseconds for each row, and for each loop."""
    times = {
        (row["row"], loop): row["microseconds"]
        for loop in LOOPS
        for row in loops.get(loop, {}).get("rows", ())
    }
    first = math.floor(math.log10(min(times.values())))
    last = max(first + 1, math.ceil(math.log10(max(times.values()))))
    bars, bottom = _bars(table, times, lambda value: (math.log10(value) - first) / (last - first) * WIDTH)
    width, height = NAMES + WIDTH + VALUES, bottom + 26
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(table.title)}: microseconds, logarithmic</title><style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            *_legend(loop for loop in LOOPS if loop in loops),
            *_grid(first, last, bottom),
            *bars,
            "</svg>\n",
        ]
    )


def _legend(loops: Iterator[str]) -> Iterator[str]:
    for place, loop in enumerate(loops):
        yield f'<rect class="{loop}" x="{NAMES + place * 90}" y="9" width="12" height="12"/>'
        yield f'<text x="{NAMES + 17 + place * 90}" y="19">{loop}</text>'


def _grid(first: int, last: int, bottom: int) -> Iterator[str]:
    for decade in range(first, last + 1):
        x = NAMES + (decade - first) / (last - first) * WIDTH
        label = f"{10.0**decade:,.{max(0, -decade)}f} µs"
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{label}</text>'


def _bars(table: Table, times: Mapping[tuple[str, str], float], scale: Any) -> tuple[list[str], int]:
    lines, y = [], TOP
    for row in table.rows:
        found = [(loop, times[row.name, loop]) for loop in LOOPS if (row.name, loop) in times]
        if not found:
            continue
        middle = y + len(found) * THICK / 2 + 4
        is_ours = "pynector" in row.name or (table.grows and not row.name.startswith("limit"))
        ours = ' class="ours"' if is_ours else ""
        lines.append(f'<text x="{NAMES - 8}" y="{middle}" text-anchor="end"{ours}>{escape(row.name)}</text>')
        for loop, value in found:
            long = max(1.0, scale(value))
            lines.append(
                f'<rect class="{loop}" x="{NAMES}" y="{y}" width="{long:.1f}" height="{THICK - 1}"/>'
            )
            lines.append(f'<text x="{NAMES + long + 5:.1f}" y="{y + 10}">{value:,.3g}</text>')
            y += THICK
        y += GAP
    return lines, y
