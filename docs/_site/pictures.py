"""Draws the pictures of the site, for light and dark pages; `--check` compares them with what is there.

A picture is at most 460 units wide, so that its words can be read on a phone. Colours are classes: an
SVG file has them in a style of its own, and the site, which puts the drawing into the page, in
`css/pictures.css`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parents[1]
COLOURS = {  # class: light, dark
    "ink": ("#1f2933", "#e3e6eb"),
    "soft": ("#52606d", "#aab2bf"),
    "paper": ("#f4f6f8", "#2a2e38"),
    "line": ("#9aa5b1", "#6b7480"),
    "teal": ("#d3ece8", "#134e48"),
    "edge": ("#00796b", "#4db6ac"),
    "amber": ("#fdebc8", "#5a4212"),
    "gold": ("#9a6700", "#ffb74d"),
    "rose": ("#fbdcd9", "#5c2420"),
    "red": ("#b3261e", "#ff8a80"),
    "violet": ("#5c6bc0", "#9fa8da"),  # with "edge" and "gold", the event loops in the benchmarks' plots
}
FILLS = ("ink", "soft", "paper", "teal", "amber", "rose", "edge", "gold", "red", "violet")
STROKES = ("line", "edge", "gold", "red")
FONT = "Roboto, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def style(of: int, scope: str = "") -> str:
    """The rules for one scheme: 0 is light, 1 is dark."""
    rules = [f"{scope}.f-{name}{{fill:{COLOURS[name][of]}}}" for name in FILLS]
    rules += [f"{scope}.s-{name}{{stroke:{COLOURS[name][of]}}}" for name in STROKES]
    return "".join(rules)


BASE = f"text{{font:14px {FONT}}}.b{{font-weight:600}}.c{{font-family:monospace}}.s{{font-size:13px}}"


def svg(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(title)}" fill="none">\n<title>{escape(title)}</title>\n'
        f"<style>{BASE}{style(0)}@media (prefers-color-scheme:dark){{{style(1)}}}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, classes: str = "f-ink", anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{classes}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, w: float, h: float, fill: str = "paper", stroke: str = "line", r: int = 6) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r}" class="f-{fill} s-{stroke}"/>'


def arrow(points: list[tuple[float, float]], colour: str = "line", *, dashed: bool = False) -> str:
    """A line through the points, with a head at the last."""
    (x0, y0), (x1, y1) = points[-2:]
    angle = math.atan2(y1 - y0, x1 - x0)
    head = [(x1 - 8 * math.cos(angle + side), y1 - 8 * math.sin(angle + side)) for side in (0.45, -0.45)]
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    path += f" M{head[0][0]:.1f} {head[0][1]:.1f} L{x1:g} {y1:g} L{head[1][0]:.1f} {head[1][1]:.1f}"
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    # The head is drawn solid even where the line is dashed.
    return f'<path d="{path}" class="s-{colour}" stroke-width="1.6" stroke-linejoin="round"{dash}/>'


def layers() -> str:
    rows = [
        ("patterns", "pools, bounded maps, retries, workers", "pynector-patterns", 0),
        ("primitives", "locks, semaphores, queues, limiters", "pynector-primitives", 1),
        ("cancel · errors", "scopes and time-outs · shields", "pynector-cancel", 2),
        ("task · testing", "task groups · schedules under control", "pynector-task", 3),
    ]
    parts = []
    for name, holds, distribution, place in rows:
        y, inset = 1 + place * 58, (3 - place) * 14
        parts += [
            box(1 + inset, y, 458 - 2 * inset, 50, "teal", "edge"),
            text(14 + inset, y + 20, name, "f-ink b"),
            text(446 - inset, y + 20, distribution, "f-soft c s", "end"),
            text(14 + inset, y + 39, holds, "f-ink s"),
        ]
    y = 1 + 4 * 58
    parts += [box(1, y, 458, 36), text(14, y + 23, "AnyIO", "f-ink b")]
    parts.append(text(446, y + 23, "asyncio · uvloop · trio", "f-soft s", "end"))
    title = "Four layers on AnyIO: patterns on primitives on cancel and errors on task and testing"
    return svg(title, 460, y + 38, parts)


def lease() -> str:
    left, right = 80, 380
    parts = [
        box(10, 10, 140, 46),
        text(left, 38, "task waits", "f-ink b", "middle"),
        box(10, 110, 140, 46, "teal", "edge"),
        text(left, 138, "connection lent", "f-ink b", "middle"),
        box(10, 210, 140, 46),
        text(left, 238, "reset", "f-ink b", "middle"),
        box(310, 110, 140, 46, "amber", "gold"),
        text(right, 138, "idle", "f-ink b", "middle"),
        box(310, 210, 140, 46, "rose", "red"),
        text(right, 238, "closed", "f-ink b", "middle"),
        arrow([(left, 56), (left, 109)], "edge"),
        text(90, 80, "handed over in", "f-soft s"),
        text(90, 97, "order of arrival", "f-soft s"),
        arrow([(left, 156), (left, 209)], "edge"),
        text(90, 180, "the block ends,", "f-soft s"),
        text(90, 197, "or is cancelled", "f-soft s"),
        arrow([(150, 226), (250, 226), (250, 142), (309, 142)], "edge"),
        text(244, 220, "works", "f-soft s", "end"),
        arrow([(310, 124), (151, 124)], "edge"),
        text(230, 116, "acquire, check", "f-soft s", "middle"),
        arrow([(150, 244), (309, 244)], "red"),
        text(230, 262, "fails, or too old", "f-soft s", "middle"),
        arrow([(355, 156), (355, 209)], "red"),
        text(363, 187, "idle too long", "f-soft s"),
        text(164, 30, "cancelled here, it takes nothing; what", "f-soft s"),
        text(164, 48, "was on its way goes to the next", "f-soft s"),
    ]
    return svg("The life of a lease, from waiting to the connection's return or its end", 460, 272, parts)


def breaker() -> str:
    parts = [
        box(10, 20, 130, 56, "teal", "edge"),
        text(75, 44, "closed", "f-ink b", "middle"),
        text(75, 63, "calls go through", "f-soft s", "middle"),
        box(320, 20, 130, 56, "rose", "red"),
        text(385, 44, "open", "f-ink b", "middle"),
        text(385, 63, "calls are refused", "f-soft s", "middle"),
        box(165, 150, 130, 56, "amber", "gold"),
        text(230, 174, "half-open", "f-ink b", "middle"),
        text(230, 193, "a few probes", "f-soft s", "middle"),
        arrow([(140, 48), (319, 48)], "red"),
        text(230, 40, "too many failures", "f-soft s", "middle"),
        arrow([(405, 76), (405, 170), (296, 170)], "gold"),
        text(413, 130, "after", "f-soft s"),
        text(413, 147, "a time", "f-soft s"),
        arrow([(270, 150), (350, 77)], "red"),
        text(298, 118, "a probe fails", "f-soft s", "end"),
        arrow([(165, 178), (75, 178), (75, 77)], "edge"),
        text(84, 150, "the probes", "f-soft s"),
        text(84, 167, "succeed", "f-soft s"),
    ]
    return svg("The states of a circuit breaker: closed, open, half-open", 460, 216, parts)


def schedule() -> str:
    """Two tasks and a pool of one: the second is cancelled in the step in which it gets the connection."""
    lanes = {"A": 64, "B": 118, "C": 172}
    steps = [
        ("A", "acquire", "teal"),
        ("B", "waits", "paper"),
        ("C", "waits", "paper"),
        ("A", "release", "teal"),
        ("B", "cancelled", "rose"),
        ("C", "gets it", "teal"),
    ]
    parts = [text(12, 20, "step", "f-soft s")]
    for task, y in lanes.items():
        parts.append(text(12, y + 5, f"task {task}", "f-ink b"))
        parts.append(f'<path d="M70 {y} H453" class="s-line" stroke-dasharray="2 5"/>')
    for number, (task, words, fill) in enumerate(steps):
        x, y = 70 + number * 65, lanes[task]
        edge = {"teal": "edge", "rose": "red", "paper": "line"}[fill]
        parts.append(text(x + 29, 20, str(number + 1), "f-soft s", "middle"))
        parts.append(box(x, y - 17, 58, 34, fill, edge))
        parts.append(text(x + 29, y + 5, words, "f-ink s", "middle"))
    x = 70 + 4 * 65 + 29
    parts += [
        arrow([(70 + 3 * 65 + 29, 81), (70 + 3 * 65 + 29, 118), (x - 31, 118)], "edge"),
        arrow([(x, 40), (x, 100)], "red"),
        text(x + 8, 56, "cancelled", "f-red s"),
        arrow([(x, 135), (x, 172), (x + 36, 172)], "edge"),
        text(12, 214, "The permit was on its way to B. It goes on to C: nothing is lost.", "f-soft s"),
    ]
    return svg("A schedule: task B is cancelled in the step in which a permit reaches it", 460, 226, parts)


def proof() -> str:
    """The table of other libraries on the page "Proof": for each kind, ours and those that fail."""
    row = re.compile(r"^\| ([^|:]+): ([^|]+) \| \**([\d,]+) of ([\d,]+)\** \|", re.MULTILINE)
    page = (DOCS / "proof.md").read_text(encoding="utf-8")
    found = [(kind, whose, number(failing), number(of)) for kind, whose, failing, of in row.findall(page)]
    kinds = dict.fromkeys(kind for kind, _, failing, _ in found if failing)
    most = max(failing / of for _, _, failing, of in found)
    parts, y = [], 4
    for kind in kinds:
        y += 18
        parts.append(text(4, y, kind, "f-soft s"))
        for of_kind, whose, failing, of in found:
            if of_kind != kind or not (failing or whose == "pynector"):
                continue
            y += 22
            long = failing / of / most * 140
            parts.append(text(14, y, whose, "f-ink b" if whose == "pynector" else "f-ink"))
            if failing:
                parts.append(
                    f'<rect x="240" y="{y - 12}" width="{max(long, 2):.1f}" height="15" class="f-red"/>'
                )
            words = f"{failing / of:.1%}" if failing else "0"
            parts.append(text(246 + max(long, 2) * bool(failing), y, words, "f-ink s"))
        y += 10
    return svg("How many schedules fail, of pynector and of others", 460, y + 4, parts)


def number(words: str) -> int:
    return int(words.replace(",", ""))


def mark(fill: str, ink: str, size: int) -> str:
    """Three steps: each layer stands on the one below."""
    bars = [(4, 17, 16), (8, 11, 12), (12, 5, 8)]
    back = f'<rect width="24" height="24" rx="5" fill="{fill}"/>' if fill else ""
    rects = "".join(f'<rect x="{x}" y="{y}" width="{w}" height="4" rx="1" fill="{ink}"/>' for x, y, w in bars)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="{size}">{back}{rects}</svg>\n'


def css() -> str:
    light, dark = (
        style(of, f'[data-md-color-scheme="{name}"] .picture ') for of, name in ((0, "default"), (1, "slate"))
    )
    base = BASE.replace("text{", ".picture text{").replace(".b{", ".picture .b{")
    base = base.replace("}.c{", "}.picture .c{").replace("}.s{", "}.picture .s{")
    rules = "/* Written by docs/_site/pictures.py. */" + base + light + dark
    return rules.replace("}", "}\n").replace("/.", "/\n.") + "\n"


FILES: dict[str, Callable[[], str]] = {
    "pictures/layers.svg": layers,
    "pictures/lease.svg": lease,
    "pictures/breaker.svg": breaker,
    "pictures/schedule.svg": schedule,
    "pictures/proof.svg": proof,
    "pictures/logo.svg": lambda: mark("", "#ffffff", 24),
    "pictures/favicon.svg": lambda: mark("#00695c", "#ffffff", 32),
    "css/pictures.css": css,
}


def main() -> None:
    stale = []
    for name, draw in FILES.items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != draw():
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(draw(), encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.exit(f"not as drawn; run python docs/_site/pictures.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
