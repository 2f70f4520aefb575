"""Runs the scenarios under as many schedules as it is told to, and says what it did.

Each scenario is run in random orders, and each of its tasks is cancelled at each step, on asyncio (with lazy
and with eager tasks) and on trio. The program fails if a schedule fails, or if a kind of fault never fired.

    python prove.py --schedules 100000 --processes 2
"""

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import scenarios_busy
import scenarios_calls
import scenarios_closing
import scenarios_ends
import scenarios_errors
import scenarios_faults
import scenarios_interruptions
import scenarios_patterns
import scenarios_places
import scenarios_primitives
import scenarios_queues
import scenarios_threads

from pynector.concurrency.testing import Report, cancel_everywhere, explore

MODULES = (
    scenarios_primitives,
    scenarios_queues,
    scenarios_patterns,
    scenarios_places,
    scenarios_calls,
    scenarios_faults,
    scenarios_ends,
    scenarios_closing,
    scenarios_interruptions,
    scenarios_threads,
    scenarios_errors,
    scenarios_busy,
)

SCENARIOS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    scenario.__name__: scenario for module in MODULES for scenario in module.SCENARIOS
}
# A child that is cancelled raises nothing that could leave, and an object that nobody waits for belongs to no
# thread: these are run in many orders alone.
ORDERED_ONLY = {"errors_leave_as_they_are", "errors_of_a_clean_up_come_first"} | {
    scenario.__name__ for scenario in scenarios_threads.SCENARIOS
}
LANES = [("asyncio", False), ("trio", False)]
if sys.version_info >= (3, 12):
    LANES.append(("asyncio", True))
FAULTS: dict[str, tuple[Any, ...]] = {
    "asyncio": ("scope", "native", "both", "twice", "again"),
    "trio": ("scope",),
}
# Eager tasks differ in how they begin only.
FAULTS_OF_EAGER = ("scope", "native", "again")
ORDERS_IN_A_JOB = 100


def is_started_by_a_scenario(task: str) -> bool:
    """Whether a user has the task in hand. Nobody has the one that closes a connection of a pool.

    Where that is cancelled natively all the same, its place is free again, but the connection stays open.
    The owner of a started worker pool is cancelled at the end of a run only, and warns of what is not done.
    Nor has anyone the child of `start()` before it has started: natively cancelled before its first step, it
    leaves AnyIO's `start()` waiting for ever.
    """
    # By its name, or where it starts eagerly by its function.
    return task not in {"closing", "_close", "owner of a worker pool", "_own", "child"}


def say_less() -> None:
    """Log nothing of what scenarios do on purpose; in processes of their own, since tests read the log."""
    logging.getLogger("pynector").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Job:
    """A part of the work, small enough to be spread over processes."""

    scenario: str
    backend: str
    eager: bool
    kind: Literal["order", "cancel"]
    seed: int

    def run(self) -> Report:
        scenario = SCENARIOS[self.scenario]
        if self.kind == "order":
            return explore(
                scenario, schedules=ORDERS_IN_A_JOB, seed=self.seed, backend=self.backend, eager=self.eager
            )
        return cancel_everywhere(
            scenario,
            faults=FAULTS_OF_EAGER if self.eager else FAULTS[self.backend],
            victims=is_started_by_a_scenario,
            orders=1 if self.eager else 2,
            seed=self.seed,
            backend=self.backend,
            eager=self.eager,
        )


@dataclass
class Tally:
    """What all reports say together."""

    schedules: int = 0
    fired: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])

    def take(self, job: Job, report: Report) -> None:
        self.schedules += report.schedules
        self.fired["order"] += report.schedules if job.kind == "order" else 0
        self.fired["eager"] += report.schedules if job.eager else 0
        self.fired.update(report.fired)
        if report.failures:
            self.failures.append(f"{job}\n{report}")

    @property
    def silent(self) -> list[str]:
        """The kinds of fault that never fired."""
        kinds = {"order", "eager"} if sys.version_info >= (3, 12) else {"order"}
        return sorted(kind for kind in kinds.union(*FAULTS.values()) if not self.fired[kind])


def jobs(first_seed: int) -> Iterator[Job]:
    """Give jobs without end; each round covers every scenario everywhere, with other seeds."""
    for number in count():
        for name in SCENARIOS:
            for backend, eager in LANES:
                for kind in ("order",) if name in ORDERED_ONLY else ("cancel", "order"):
                    yield Job(name, backend, eager, kind, first_seed + number * ORDERS_IN_A_JOB)


def prove(schedules: int, processes: int, seed: int) -> Tally:
    """Run a first whole round, and then jobs until there are as many schedules."""
    tally, source = Tally(), jobs(seed)
    round_size = (2 * len(SCENARIOS) - len(ORDERED_ONLY)) * len(LANES)
    with ProcessPoolExecutor(processes, initializer=say_less) as pool:
        while tally.schedules < schedules and not tally.failures:
            batch = [next(source) for _ in range(4 * processes if tally.schedules else round_size)]
            for job, report in zip(batch, pool.map(Job.run, batch), strict=True):
                tally.take(job, report)
    return tally


def main() -> int:
    """Run as a program; give the exit status."""
    parser = argparse.ArgumentParser(description="Prove the promises of primitives and patterns.")
    parser.add_argument("--schedules", type=int, default=100_000, help="how many, at least")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; random without it")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed

    began = time.perf_counter()
    tally = prove(options.schedules, options.processes, seed)
    seconds = time.perf_counter() - began

    print(*tally.failures, sep="\n\n")
    print(f"{len(SCENARIOS)} scenarios, {tally.schedules:,} schedules from seed {seed} in {seconds:.0f} s")
    print("fired:", ", ".join(f"{kind} {times:,}" for kind, times in sorted(tally.fired.items())))
    print("failed:", len(tally.failures), "; never fired:", ", ".join(tally.silent) or "none")
    return 1 if tally.failures or tally.silent else 0


if __name__ == "__main__":
    sys.exit(main())
