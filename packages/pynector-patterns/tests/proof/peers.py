"""Runs one scenario with our objects and with those of other libraries, each in its own environment.

    python peers.py

prints a table: how many schedules were run, how many fail, after how many the first one did, and the shortest
token. Needs `uv`, which makes the environments, and the Pythons that are named below.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import scenarios_peers

from pynector.concurrency.testing import Report, cancel_everywhere, explore

HERE = Path(__file__).parent
ROOTS = sorted(str(path) for path in HERE.parents[2].glob("*/src"))
ORDERS = 20
SCHEDULES = 1000


@dataclass(frozen=True)
class Environment:
    """What is installed, and the scenarios that are run with it."""

    python: str
    packages: tuple[str, ...]
    scenarios: tuple[str, ...]

    def run(self) -> list["Row"]:
        uv = shutil.which("uv") or sys.exit("peers.py needs uv: pip install uv")
        options = ("--quiet", "--no-project", "--isolated", f"--python={self.python}")
        installed = (f"--with={package}" for package in self.packages)
        program = ("python", "-W", "ignore", str(HERE / "peers.py"), "--here", *self.scenarios)
        result = subprocess.run(
            [uv, "run", *options, *installed, *program],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(ROOTS)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return [Row(**json.loads(line)) for line in result.stdout.splitlines()]


OURS = ("our_pool", "our_condition", "our_queue", "our_lock", "our_semaphore", "our_limiter")
ENVIRONMENTS = (
    Environment("3.13", ("anyio==4.16.0",), OURS),
    Environment("3.13", ("asyncio-connection-pool==1.1.1", "anyio==4.16.0"), ("asyncio_connection_pool",)),
    Environment("3.13", ("generic-connection-pool==0.8.1", "anyio==4.16.0"), ("generic_connection_pool",)),
    Environment("3.13", ("psycopg-pool==3.3.3", "psycopg[binary]", "anyio==4.16.0"), ("psycopg_pool",)),
    Environment(
        "3.13",
        ("anyio==4.16.0",),
        ("anyio_condition", "anyio_stream", "anyio_lock", "anyio_semaphore", "anyio_limiter"),
    ),
    Environment("3.13", ("anyio==4.13.0",), ("anyio_lock", "anyio_semaphore", "anyio_limiter")),
    Environment("3.11", ("anyio==4.16.0",), ("asyncio_condition", "asyncio_queue")),
    Environment("3.12", ("anyio==4.16.0",), ("asyncio_condition", "asyncio_queue")),
    Environment("3.13", ("anyio==4.16.0",), ("asyncio_condition", "asyncio_queue")),
)

KINDS = {  # the last word of a scenario's name, in the order of the table
    "pool": "connection pool",
    "lock": "lock",
    "semaphore": "semaphore",
    "limiter": "capacity limiter",
    "condition": "condition",
    "queue": "queue or stream",
    "stream": "queue or stream",
}


@dataclass(frozen=True)
class Row:
    """What was found with one object."""

    scenario: str
    schedules: int
    failing: int
    first: int | None = None
    fault: str = ""
    token: str = ""

    def line(self, environment: Environment) -> str:
        """A line of the table in Markdown, bad news in bold."""
        failing = f"{self.failing:,} of {self.schedules:,}"
        fault = f"{self.fault}; first seen after {self.first:,}: `{self.token}`" if self.first else ""
        bold = "**" if self.failing else ""
        return f"| {self.kind}: {self.label(environment)} | {bold}{failing}{bold} | {fault} |"

    @property
    def kind(self) -> str:
        return KINDS.get(self.scenario.rpartition("_")[2], self.scenario)

    def label(self, environment: Environment) -> str:
        """Whose object it is, with the version that was run."""
        if self.scenario in OURS:
            return "pynector"
        if self.scenario.startswith("asyncio_") and self.kind != "connection pool":
            return f"asyncio, Python {environment.python}"
        return environment.packages[0].replace("==", " ").replace("anyio", "AnyIO")


def look(name: str) -> Row:
    """Cancel each user at each step in some orders, and run many orders; the first fault stops nothing."""
    reports = list(_reports(name, max_failures=10**6))
    schedules = sum(report.schedules for report in reports)
    failures = [failure for report in reports for failure in report.failures]
    if not failures:
        return Row(name, schedules, 0)
    first = 0
    for report in _reports(name, max_failures=1):
        first += report.schedules
        if report.failures:
            break
    failing = sum(failure.count for failure in failures)
    shortest = report.failures[0]
    text = shortest.text.removeprefix("AssertionError: ")
    fault = text if shortest.kind == "exception" else f"{shortest.kind}: {text}"
    return Row(name, schedules, failing, first, fault, shortest.token)


def _reports(name: str, max_failures: int) -> Iterator[Report]:
    scenario = getattr(scenarios_peers, name)
    yield cancel_everywhere(
        scenario, victims=lambda task: task == "user", orders=ORDERS, max_failures=max_failures
    )
    yield explore(scenario, schedules=SCHEDULES, max_failures=max_failures)


def table() -> Iterator[str]:
    """The lines of the table, in Markdown: one kind of object after the other, ours first."""
    yield "| object | schedules that fail | what goes wrong |"
    yield "|---|---|---|"
    found = [(row, environment) for environment in ENVIRONMENTS for row in environment.run()]
    kinds = list(KINDS.values())
    for row, environment in sorted(found, key=lambda pair: kinds.index(pair[0].kind)):
        yield row.line(environment)


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Compare our objects with those of other libraries.")
    parser.add_argument("--here", nargs="+", metavar="SCENARIO", help="in this environment, as lines of JSON")
    options = parser.parse_args()
    if options.here:
        for name in options.here:
            print(json.dumps(asdict(look(name))), flush=True)
    else:
        for line in table():
            print(line, flush=True)


if __name__ == "__main__":
    main()
