"""Crawl a web site: by default one that this program makes up, and serves itself on the loopback."""

import signal
import sys
from functools import partial
from time import perf_counter

import anyio
from rich.console import Console

from crawl.client import Client
from crawl.connection import Connection
from crawl.crawler import Crawler
from crawl.journal import Journal
from crawl.options import Options, parse
from crawl.outcome import Outcome
from crawl.progress import show_progress
from crawl.report import Report
from crawl.server import Server
from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.patterns import ConnectionPool, PoolWatch
from pynector.concurrency.task import TaskStatus, create_task_group

BACKENDS: dict[str, tuple[str, dict[str, bool]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


class Run:
    """One run of the program."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._target = options.target
        self._console = Console(force_terminal=sys.stdout.isatty())  # whatever the environment says
        self._report = Report()
        self._origin = options.target.origin
        self._is_complete = False

    def __call__(self) -> Outcome:
        began = perf_counter()
        backend, backend_options = BACKENDS[self._options.backend]
        try:
            anyio.run(self._crawl_until_ctrl_c, backend=backend, backend_options=backend_options)
        except* KeyboardInterrupt:
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
            await tg.start(cancel_on_ctrl_c, scope, self._console)
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


async def cancel_on_ctrl_c(scope: CancelScope, console: Console, *, task_status: TaskStatus[None]) -> None:
    """Wait for Ctrl-C, and cancel *scope* then; to a second one answer that it is being done."""
    try:
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            task_status.started()
            is_impatient = False
            async for _ in signals:
                if scope.cancel_called and not is_impatient:
                    is_impatient = True
                    console.print("closing connections, which takes some seconds at most")
                scope.cancel("Ctrl-C")
    except NotImplementedError:  # on Windows; there Ctrl-C is a KeyboardInterrupt
        task_status.started()
    except BaseException:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is about to end: nothing is left to interrupt
        raise


def main(arguments: list[str] | None = None) -> int:
    """Run the program, and return its exit code. Afterwards Ctrl-C is ignored: the process should end."""
    outcome = Run(parse(arguments, description=__doc__))()
    for line in outcome.lines():
        print(line)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
