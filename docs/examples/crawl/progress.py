"""What is seen of a crawl while it runs."""

import anyio
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from .report import Report

FRAME_SECONDS = 0.1
LINE_SECONDS = 0.5


async def show_progress(console: Console, report: Report) -> None:
    """Show what *report* says until cancelled: on a terminal a live picture, elsewhere lines."""
    if not console.is_terminal:
        while True:
            await anyio.sleep(LINE_SECONDS)
            console.print(f"{report.visited} of {len(report.found)} pages, {report.retries} retries")
    # Without rich's own thread: this task draws each frame.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(picture(report), refresh=True)
            await anyio.sleep(FRAME_SECONDS)


def picture(report: Report) -> Table:
    """Draw one frame."""
    found, visited, events = len(report.found), report.visited, report.connections
    is_open, is_busy = events["opened"] - events["closed"], events["lent"] - events["returned"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("pages", ProgressBar(total=max(found, 1), completed=visited, width=40))
    table.add_row("", f"{visited} of {found} found so far")
    table.add_row("attempts", f"{report.retries} retries, {report.timeouts} after a time-out")
    table.add_row("connections", f"{is_open} open, {is_busy} of them busy")
    table.add_row("broken", f"{len(report.errors)} so far")
    return table
