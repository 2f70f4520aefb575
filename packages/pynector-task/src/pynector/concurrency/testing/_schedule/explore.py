"""Many schedules of one scenario."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Literal, TypeAlias, get_args

from .._refusals import (
    refuse_less_than_one,
    refuse_unless_one_of,
    refuse_unless_whole,
    refuse_wrong_backend,
    refuse_wrong_lateness,
)
from .._report.report import Report
from .chooser import format_deviations
from .processes import spread
from .schedule import Schedule
from .session import Scenario, Session


class OrderTree:
    """The orders that have not been tried.

    Each order is what it does unlike `fifo`. A run shows where choices are; those after its last deviation
    give the next orders. So each order comes up once, and all come up in the end.

    Args:
        deepest_first: Vary the end of a run first (depth-first); else the orders that deviate least come
        first.
    """

    __slots__ = ("_deepest_first", "_untried")

    def __init__(self, *, deepest_first: bool) -> None:
        self._deepest_first = deepest_first
        self._untried: deque[dict[int, int]] = deque([{}])

    def __bool__(self) -> bool:
        return bool(self._untried)

    def take(self) -> dict[int, int]:
        """The deviations of the next order to try."""
        return self._untried.pop() if self._deepest_first else self._untried.popleft()

    def grow(self, tried: dict[int, int], branches: Sequence[tuple[int, int]], room: int) -> None:
        """Add the orders that begin like the one that was tried; no more than *room* are of use."""
        for choice in range(max(tried, default=-1) + 1, len(branches)):
            for taken in range(1, branches[choice][0]):
                if not self._deepest_first and len(self._untried) >= room:
                    return
                self._untried.append(tried | {choice: taken})


Order: TypeAlias = Literal["fifo", "random", "pct", "dfs", "bfs"]
"""Who runs next, when several tasks could; `explore` says what each means."""


def explore(
    scenario: Scenario,
    *,
    schedules: int = 1000,
    order: Order = "random",
    seed: int = 0,
    backend: str = "asyncio",
    eager: bool = False,
    lateness: float = 0.0,
    max_steps: int = 10_000,
    max_failures: int = 20,
    processes: int = 1,
) -> Report:
    """Run a scenario again and again, each time with another order of its tasks.

    A scenario is an async function without arguments. It makes what it tests, starts tasks in whatever way
    it likes (a task group of AnyIO, asyncio or trio), and asserts what must hold. It is called afresh for
    each schedule, and must do the same thing each time: no real I/O, no wall clock. Time is virtual:
    `sleep(3600)` takes none. The module `random` is seeded by the schedule.

    A schedule fails if the scenario raises, if an `invariant` is broken, if nothing can go on (deadlock), if
    it does not end (livelock), if a task outlives the scenario, if a coroutine is never awaited, or if an
    error reaches nobody. The first of several schedules is run twice; if the two differ, that is a failure,
    too: nothing that depends on more than its schedule can be tested by schedules.

    Args:
        scenario: What is run.
        schedules: Schedules to run, at most.
        order: Who runs next. `fifo` is the order of the backend, once; `random` is that, and then equal
            chances for each task that is ready; `pct` gives tasks random priorities; `dfs` and `bfs` try
            every order, until none is left: `dfs` varies the end of a run first, `bfs` begins with those
            that differ least from `fifo`.
        seed: The first seed; each schedule takes the next one.
        backend: `asyncio` or `trio`.
        eager: Start tasks at once (`asyncio.eager_task_factory`, Python 3.12 and later).
        lateness: Seconds by which a timer may fire late, as on a busy machine. Timers that are due at
            different times may then come together, and in any order; without it, each is on time.
        max_steps: Steps after which a schedule counts as livelocked.
        max_failures: Failing schedules after which to stop.
        processes: Processes to spread the schedules over. The scenario must then be a function of a module.

    Returns:
        The report. Call its `check()` to raise if anything failed.

    Raises:
        RuntimeError: Called while an event loop, of asyncio or trio, runs in this thread.
        Stuck: A task does not come to its next `await`, within ten seconds of the processor.
        TypeError: *scenario* is no async function, or needs arguments; or a number has the wrong type.
        ValueError: There is no such order or backend, a number is less than one, *lateness* is negative or
            of no effect in this order, or the order or the scenario cannot be spread over processes.

    Example:
        ```python
        async def scenario() -> None:
            total = 0

            async def add() -> None:
                nonlocal total
                seen = total
                await anyio.sleep(0)  # another task may run
                total = seen + 1

            async with anyio.create_task_group() as tg:
                tg.start_soon(add)
                tg.start_soon(add)
            assert total == 2, f"an update is lost: {total}"


        report = explore(scenario)
        print(report.failures[0].text)
        #> AssertionError: an update is lost: 1
        ```
    """
    refuse_less_than_one(
        schedules=schedules, max_steps=max_steps, max_failures=max_failures, processes=processes
    )
    refuse_unless_whole(seed=seed)
    refuse_unless_one_of(get_args(Order), order=order)
    refuse_wrong_backend(backend, eager=eager)
    refuse_wrong_lateness(lateness)
    if lateness and order == "fifo":
        raise ValueError("lateness needs another order than fifo, in which no timer is late")
    options = _Options(schedules, order, seed, backend, eager, lateness, max_steps, max_failures)
    if processes == 1:
        return _explore_share(options, scenario, 0, 1)
    if order not in {"random", "pct"}:
        raise ValueError(f"only random and pct orders can be spread over processes, not {order!r}")
    return spread(partial(_explore_share, options), scenario, processes)


@dataclass(frozen=True, slots=True)
class _Options:
    schedules: int
    order: Order
    seed: int
    backend: str
    eager: bool
    lateness: float
    max_steps: int
    max_failures: int

    def is_first_of_many(self, order: str) -> bool:
        """Whether this is the order that comes first, and others follow."""
        return order == "fifo" and self.order != "fifo" and self.schedules > 1


def _explore_share(options: _Options, scenario: Scenario, index: int, count: int) -> Report:
    session = Session(scenario, max_steps=options.max_steps, max_failures=options.max_failures)
    order, first = options.order, Schedule(options.backend, eager=options.eager, lateness=options.lateness)
    session.report.lateness = options.lateness
    with session.open():
        session.report.seeds = f"{options.backend}, {order}"
        if order == "dfs" or order == "bfs":
            _search(session, first, options, deepest_first=order == "dfs")
        else:
            session.report.seeds += "" if order == "fifo" else f" from {options.seed}"
            orders = _orders(order, options.seed, options.schedules)
            for each in islice(orders, index, None, count):
                if session.stops_early():
                    break
                session.run(replace(first, order=each), twice=options.is_first_of_many(each))
    return session.report


def _orders(order: Order, seed: int, schedules: int) -> Iterator[str]:
    yield "fifo"
    if order != "fifo":
        for number in range(schedules - 1):
            yield f"{order}-{seed + number}"


def _search(session: Session, first: Schedule, options: _Options, *, deepest_first: bool) -> None:
    tree = OrderTree(deepest_first=deepest_first)
    while tree and session.report.schedules < options.schedules and not session.stops_early():
        deviations = tree.take()
        schedule = replace(first, order=format_deviations(deviations))
        run = session.run(schedule, record=True, twice=options.is_first_of_many(schedule.order))
        tree.grow(deviations, run.branches, options.schedules)
    session.report.exhausted = not tree
