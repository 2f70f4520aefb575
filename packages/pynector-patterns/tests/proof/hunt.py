"""Looks for what is wrong with one scenario, in the way that `prove.py` does; tells after how many schedules.

PYTHONPATH=copy python hunt.py SCENARIO LIMIT
"""

import sys
from collections.abc import Iterator

import prove

from pynector.concurrency.testing import Report, cancel_everywhere, explore


def hunt(name: str, limit: int) -> int | None:
    """Give the number of schedules after which *name* failed, or None if it did not."""
    run = 0
    for seed in range(limit):
        for report in looks(name, seed):
            run += report.schedules
            if report.failures:
                print(f"found after {run} schedules: {report.failures[0].kind}")
                return run
            if run >= limit:
                return None
    return None


def looks(name: str, seed: int) -> Iterator[Report]:
    """Look at some random orders, and at each task cancelled at each step in one order."""
    scenario = prove.SCENARIOS[name]
    yield explore(scenario, schedules=50, seed=seed * 50, max_failures=1)
    yield cancel_everywhere(
        scenario, orders=1, seed=seed, victims=prove.is_started_by_a_scenario, max_failures=1
    )


if __name__ == "__main__":
    sys.exit(0 if hunt(sys.argv[1], int(sys.argv[2])) is None else 1)
