"""Crawl a web site: by default one that this program makes up, and serves itself on the loopback."""

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import anyio
from rich.console import Console

from crawl.client import Client
from crawl.connection import Connection
from crawl.crawler import Crawler
from crawl.journal import Journal
from crawl.outcome import Outcome
from crawl.progress import show_progress
from crawl.report import Report
from crawl.server import Server
from crawl.target import Target
from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.patterns import ConnectionPool, PoolWatch
from pynector.concurrency.task import TaskStatus, create_task_group

EXIT_CODES = """\
exit codes:
  0    every link leads somewhere; on the made-up site, all but those that are broken on purpose
  1    a link is broken that should not be
  2    wrong arguments
  130  ended by Ctrl-C; the summary tells what was found so far
"""
BACKENDS: dict[str, tuple[str, dict[str, bool]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


class Options:
    """The arguments of the command line."""

    backend: str
    connections: int
    folder: Path | None
    pages: int | None
    rate: float | None
    record: Path | None
    timeout: float | None
    url: str | None


class Run:
    """One run of the program."""

    def __init__(self, options: Options, target: Target) -> None:
        self._options = options
        self._target = target
        self._console = Console(force_terminal=sys.stdout.isatty())  # whatever the environment says
        self._report = Report()
        self._origin = target.origin
        self._is_complete = False

    def __call__(self) -> Outcome:
        began = perf_counter()
        backend, backend_options = BACKENDS[self._options.backend]
        try:
            anyio.run(self._crawl_until_ctrl_c, backend=backend, backend_options=backend_options)
        except KeyboardInterrupt:
            pass  # before there was a signal handler, or where there can be none
        return Outcome(
            report=self._report,
            expected={self._origin + path for path in self._target.broken},
            interrupted=not self._is_complete,
            seconds=perf_counter() - began,
            backend=self._options.backend,
        )

    async def _crawl_until_ctrl_c(self) -> None:
        scope = CancelScope()
        async with create_task_group() as tg:
            await tg.start(cancel_on_ctrl_c, scope)
            if self._target.app is not None:
                self._origin = await tg.start(Server(self._target.app).run)
            self._console.print(f"crawling {self._origin} on {self._options.backend}", soft_wrap=True)
            tg.start_soon(show_progress, self._console, self._report)
            with scope:  # the crawl alone: a server ends after its clients
                await self._crawl()
                self._is_complete = True
            tg.cancel("the crawl has ended")

    async def _crawl(self) -> None:
        options, target, report = self._options, self._target, self._report
        pool = ConnectionPool(
            max_connections=options.connections,
            connection_factory=partial(Connection.open, self._origin),
            watch=PoolWatch(on_event=report.note),
        )
        async with pool, Journal.open(options.record) as journal:
            client = Client(
                pool,
                timeout=options.timeout or target.timeout,
                rate=options.rate or target.rate,
                report=report,
            )
            # More visitors than connections: some pause before they try again, some have a page read.
            visitors = 2 * options.connections
            crawler = Crawler(self._origin, client, report, journal, visitors=visitors, limit=target.limit)
            await crawler.run(target.paths)


async def cancel_on_ctrl_c(scope: CancelScope, *, task_status: TaskStatus[None]) -> None:
    """Wait for Ctrl-C, and cancel *scope* then."""
    try:
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            task_status.started()
            async for _ in signals:
                scope.cancel("Ctrl-C")
    except NotImplementedError:  # on Windows; there Ctrl-C is a KeyboardInterrupt
        task_status.started()


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(
        prog="demo", description=__doc__, epilog=EXIT_CODES, formatter_class=RawDescriptionHelpFormatter
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="crawl the site that has this page; its host is never left")
    where.add_argument(
        "--folder", type=Path, help="crawl the HTML files of this folder, served on the loopback"
    )
    parser.add_argument("--backend", choices=BACKENDS, default="asyncio")
    parser.add_argument(
        "--pages", type=count, help="pages to make up, or the most to visit (1000; a folder: all)"
    )
    parser.add_argument("--connections", type=count, default=16, help="connections at a time (16)")
    parser.add_argument("--timeout", type=amount, help="seconds for each attempt (10; made-up site: 1)")
    parser.add_argument(
        "--rate", type=amount, help="requests a second at most (with --url: 20; else: no limit)"
    )
    parser.add_argument("--record", type=Path, help="write a line of JSON for each page to this file")
    options = parser.parse_args(arguments, Options())
    if options.backend == "uvloop" and find_spec("uvloop") is None:
        parser.error("uvloop is not installed")
    try:
        target = target_of(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    outcome = Run(options, target)()
    for line in outcome.lines():
        print(line)
    return outcome.exit_code


def target_of(options: Options) -> Target:
    if options.url is not None:
        return Target.at(options.url, limit=options.pages or 1000)
    if options.folder is not None:
        return Target.in_folder(options.folder, limit=options.pages)
    return Target.made_up(options.pages or 1000)


def count(text: str) -> int:
    """An argument that counts something."""
    if (number := int(text)) < 1:
        raise ArgumentTypeError(f"must be >= 1, not {number}")
    return number


def amount(text: str) -> float:
    """An argument of which there must be some."""
    if not (number := float(text)) > 0:
        raise ArgumentTypeError(f"must be > 0, not {number:g}")
    return number


if __name__ == "__main__":
    sys.exit(main())
