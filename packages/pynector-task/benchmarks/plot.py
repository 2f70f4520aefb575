"""One table as a drawing: bars on a linear scale that begins at zero, for light and dark pages."""

# ruff: noqa: RUF001  # signs of measure, for readers

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from harness import LOOPS, Table

# As narrow as a phone, so that the words can be read there. The classes are those of docs/_site/pictures.py.
WIDTH, LONGEST, THICK, GAP, TOP = 440, 340, 16, 12, 30
COLOURS = {"asyncio": "f-edge", "uvloop": "f-gold", "trio": "f-violet"}
STYLE = """
  text { font: 14px sans-serif } .s { font-size: 13px } .b { font-weight: 600 }
  .f-ink { fill: #1f2933 } .f-soft { fill: #52606d }
  .f-edge { fill: #00796b } .f-gold { fill: #9a6700 } .f-violet { fill: #5c6bc0 }
  @media (prefers-color-scheme: dark) {
    .f-ink { fill: #e3e6eb } .f-soft { fill: #aab2bf }
    .f-edge { fill: #4db6ac } .f-gold { fill: #ffb74d } .f-violet { fill: #9fa8da }
  }
"""


def as_time(microseconds: float) -> str:
    """Microseconds, or milliseconds from a thousand of them, with three digits."""
    value, unit = (microseconds / 1000, "ms") if microseconds >= 1000 else (microseconds, "µs")
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def draw(table: Table, loops: Mapping[str, Any]) -> str:
    """The drawing, as the text of an SVG file: the time of each row on each loop."""
    times = {
        (row["row"], loop): row["microseconds"]
        for loop in LOOPS
        for row in loops.get(loop, {}).get("rows", ())
    }
    bars, bottom = _bars(table, times, LONGEST / max(times.values()))
    title = f"{table.title}: time for one operation"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" role="img"'
            f' aria-label="{escape(title, {chr(34): "&quot;"})}">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            *_legend(loop for loop in LOOPS if loop in loops),
            *bars,
            "</svg>\n",
        ]
    )


def _legend(loops: Iterator[str]) -> Iterator[str]:
    for place, loop in enumerate(loops):
        yield f'<rect class="{COLOURS[loop]}" x="{place * 90}" y="3" width="12" height="12"/>'
        yield f'<text class="f-soft s" x="{17 + place * 90}" y="14">{loop}</text>'


def _bars(table: Table, times: Mapping[tuple[str, str], float], scale: float) -> tuple[list[str], int]:
    lines, y = [], TOP
    for row in table.rows:
        found = [(loop, times[row.name, loop]) for loop in LOOPS if (row.name, loop) in times]
        if not found:
            continue
        ours = " b" if "pynector" in row.name or (table.grows and not row.name.startswith("limit")) else ""
        lines.append(f'<text x="0" y="{y + 11}" class="f-ink s{ours}">{escape(row.name)}</text>')
        y += 17
        for loop, value in found:
            long = max(1.0, value * scale)
            lines.append(
                f'<rect class="{COLOURS[loop]}" x="0" y="{y}" width="{long:.1f}" height="{THICK - 3}"/>'
            )
            lines.append(f'<text x="{long + 7:.1f}" y="{y + 11}" class="f-ink s">{as_time(value)}</text>')
            y += THICK
        y += GAP
    return lines, y
