"""Churn against real connections on the loopback, for as long as it is told to; then nothing may be left.

Thousands of tasks ask an echo server through a pool; three in ten are cancelled at a random moment, one
connect in ten fails, and all bounds change all the time. Between rounds nothing may be held, wait or grow,
and a loop with nothing to do may not turn.

    python soak.py --seconds 600 --backend trio
"""

import argparse
import random
import sys
import time
from random import Random

import anyio
from churn import TASKS, Churn
from echo_server import EchoServer
from memory import Memory
from turns import Turns

FAILING = 0.1
IDLE_TURNS = 50  # a second, at most: the keeper's timers and no more
IDLE_PROCESSOR = 0.2
BLOCKS_A_ROUND = 5  # of 200 tasks: a leak of one object a cancelled task would be 60
BYTES_A_ROUND = 2_048


class Soak:
    """One run on one backend: for that many seconds, and until the memory's samples tell something."""

    def __init__(self, backend: str, seconds: float, seed: int) -> None:
        self.backend = backend
        self.seconds = seconds
        self.server = EchoServer(Random(seed), failing=FAILING)
        self.churn_random = Random(seed + 1)
        self.memory, self.turns = Memory(), Turns()
        self.rounds = 0
        self.idle = (0.0, 0.0)
        self.busy = (0.0, 0.0)
        self.peak_tasks = 0

    def run(self) -> None:
        name, options = self.turns.options(self.backend)
        anyio.run(self._run, backend=name, backend_options=options)

    async def _run(self) -> None:
        tasks_before = len(anyio.get_running_tasks())
        async with self.server.serving():
            self.churn = Churn(self.server, self.churn_random, native=self.backend != "trio")
            async with self.churn.pool, self.churn.workers:
                self.busy = await self.turns.watch(self._rounds, self.seconds)
                await self.churn.check_places()
                self.idle = await self.turns.watch(anyio.sleep, 0.5)
            statistics = self.churn.pool.statistics()
            assert (statistics.open, statistics.opening, statistics.closing) == (0, 0, 0), statistics
            assert statistics.created == statistics.discarded, statistics
            with anyio.fail_after(10):
                await self.server.has_no_client.wait()
        assert len(anyio.get_running_tasks()) == tasks_before, anyio.get_running_tasks()
        self._check_measures()

    async def _rounds(self, seconds: float) -> None:
        end, settled = time.monotonic() + seconds, 0
        while time.monotonic() < end or not self.memory.tells:
            with anyio.fail_after(120):
                await self.churn.round()
            self.rounds += 1
            self.churn.check_quiet()
            self.memory.sample()
            tasks = len(anyio.get_running_tasks())
            settled = settled or tasks + 40  # the server's, the pool's and the workers' own come and go
            assert tasks <= settled, f"{tasks} tasks are left after a round"

    def _check_measures(self) -> None:
        turns, processor = self.idle
        assert turns <= IDLE_TURNS, f"{turns:.0f} turns a second with nothing to do"
        assert processor <= IDLE_PROCESSOR, f"{processor:.0%} of a processor with nothing to do"
        self.memory.check(blocks=BLOCKS_A_ROUND, size=BYTES_A_ROUND)

    def __str__(self) -> str:
        blocks, size = self.memory.growth()
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(self.churn.outcomes.items()))
        statistics = self.churn.pool.statistics()
        return (
            f"{self.backend}: {self.rounds * TASKS:,} tasks in {self.rounds} rounds ({outcomes}), "
            f"{statistics.created:,} connections made and closed, {self.server.refused:,} connects failed; "
            f"memory {blocks:+,} blocks, {size:+,} bytes; "
            f"{self._turns()}with nothing to do {self.idle[1]:.1%} of a processor"
        )

    def _turns(self) -> str:
        if not self.turns.count:
            return ""  # uvloop does not tell
        return f"{self.busy[0]:,.0f} turns a second, with nothing to do {self.idle[0]:.0f}; "


def main() -> int:
    """Run as a program; give the exit status."""
    parser = argparse.ArgumentParser(description="Churn, and look for what is left.")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each backend")
    parser.add_argument("--backend", action="append", choices=["asyncio", "uvloop", "trio"])
    parser.add_argument("--seed", type=int, default=None, help="random without it")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print("seed", seed)
    for backend in options.backend or ["asyncio", "uvloop", "trio"]:
        soak = Soak(backend, options.seconds, seed)
        soak.run()
        print(soak, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
