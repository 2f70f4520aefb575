"""One scenario, cancelled at every step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from .._refusals import (
    refuse_less_than_one,
    refuse_unless_whole,
    refuse_wrong_backend,
    refuse_wrong_lateness,
    refuse_wrong_victims,
)
from .._report.report import Report, Trace
from .._schedule.processes import spread
from .._schedule.run import Run
from .._schedule.schedule import FAULT_KINDS, Fault, FaultKind, Schedule, refuse_wrong_fault
from .._schedule.session import Scenario, Session
from .._schedule.task import SPARED_ALL, ScenarioTask


def cancel_everywhere(
    scenario: Scenario,
    *,
    faults: Collection[FaultKind] | None = None,
    victims: Callable[[str], bool] | None = None,
    root: bool = False,
    orders: int = 1,
    seed: int = 0,
    backend: str = "asyncio",
    eager: bool = False,
    lateness: float = 0.0,
    max_steps: int = 10_000,
    max_failures: int = 20,
    processes: int = 1,
) -> Report:
    """Run a scenario as it is, then once for each task and each step, cancelling that task there.

    The scenario is one as `explore` takes it. The tasks that it starts are the victims; the scenario itself
    is the witness, and asserts in the end what must hold even then: that each permit is back, say. What
    fails a schedule is what fails it in `explore`, and also a cancellation that is swallowed: the victim saw
    it, and ended as if nothing had happened. That the victim ends cancelled is no failure, nor is a
    cancellation that it passes on to the scenario.

    Args:
        scenario: What is run.
        faults: What is done to the victim: `scope` cancels an AnyIO scope around the whole task, `native`
            calls `asyncio.Task.cancel()`, `twice` does that two times in one tick, `again` does it, and once
            more if the victim then waits, as in its clean-up, `both` does `scope` and `native` in one tick,
            `interrupt` raises `KeyboardInterrupt` where it waits. Without it, `scope`, and on asyncio
            `native`.
        victims: Whether a task is a victim, by its name, which is that of its function; without it, all are.
        root: Whether the scenario itself is a victim, too.
        orders: Orders of the tasks to do this in: the first is `fifo`, the others are random.
        seed: The seed of the first random order.
        backend: `asyncio` or `trio`.
        eager: Start tasks at once (`asyncio.eager_task_factory`, Python 3.12 and later).
        lateness: Seconds by which a timer may fire late in each order but the first; `explore` says more.
        max_steps: Steps after which a schedule counts as livelocked.
        max_failures: Failing schedules after which to stop.
        processes: Processes to spread the schedules over. Scenario and *victims* must then be functions of a
            module.

    Returns:
        The report. Its `check()` raises if anything failed, or if a kind of fault was never injected.

    Raises:
        RuntimeError: Called while an event loop, of asyncio or trio, runs in this thread.
        Stuck: A task does not come to its next `await`, within ten seconds of the processor.
        TypeError: *scenario* is no async function, or needs arguments; *victims* cannot be called; or what
            number has the wrong type.
        ValueError: There is no such fault, or not on this backend; a number is less than one; *lateness* is
            negative, or of no effect in one order; or the scenario or *victims* cannot be sent to another
            process.

    Example:
        ```python
        async def scenario() -> None:
            permits = anyio.Semaphore(1)

            async def user() -> None:
                async with permits:
                    await anyio.sleep(1)

            async with anyio.create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(user)
            assert permits.value == 1


        cancel_everywhere(scenario).check()
        ```
    """
    refuse_less_than_one(orders=orders, max_steps=max_steps, max_failures=max_failures, processes=processes)
    refuse_unless_whole(seed=seed)
    refuse_wrong_victims(victims)
    refuse_wrong_backend(backend, eager=eager)
    refuse_wrong_lateness(lateness)
    if lateness and orders == 1:
        raise ValueError("lateness needs orders >= 2: in the first, which is fifo, no timer is late")
    kinds = _kinds(faults, backend)
    options = _Options(kinds, victims, root, orders, seed, backend, eager, lateness, max_steps, max_failures)
    if processes == 1:
        return _cancel_share(options, scenario, 0, 1)
    return spread(partial(_cancel_share, options), scenario, processes, victims=victims)


@dataclass(frozen=True, slots=True)
class _Options:
    kinds: tuple[FaultKind, ...]
    victims: Callable[[str], bool] | None
    root: bool
    orders: int
    seed: int
    backend: str
    eager: bool
    lateness: float
    max_steps: int
    max_failures: int


def _cancel_share(options: _Options, scenario: Scenario, index: int, count: int) -> Report:
    session = Session(scenario, max_steps=options.max_steps, max_failures=options.max_failures)
    report = session.report
    report.lateness = options.lateness
    report.fired = dict.fromkeys(options.kinds, 0)
    orders = "fifo" if options.orders == 1 else f"{options.orders} orders from seed {options.seed}"
    report.seeds = f"{options.backend}, each task at each step, {orders}"
    with session.open():
        for number in range(options.orders):
            if session.stops_early():
                break
            order = f"random-{options.seed + number - 1}" if number else "fifo"
            baseline = Schedule(options.backend, order, options.eager, lateness=options.lateness)
            run = session.run(baseline, trace=Trace(), twice=index == number == 0)
            faults = list(_faults(run, options))
            if not faults:
                report.unfired = report.unfired or _why_none(run, options)
            for fault in faults[index::count]:
                if session.stops_early():
                    break
                session.run(replace(baseline, faults=(fault,)))
    return report


def _kinds(faults: Collection[FaultKind] | None, backend: str) -> tuple[FaultKind, ...]:
    if faults is None:
        return ("scope", "native") if backend == "asyncio" else ("scope",)
    if isinstance(faults, str) or not faults:
        raise ValueError(f"faults must be a collection with one of {', '.join(FAULT_KINDS)}, not {faults!r}")
    for kind in faults:
        refuse_wrong_fault(kind, backend)
    return tuple(faults)


def _faults(baseline: Run, options: _Options) -> Iterator[Fault]:
    if baseline.finding is not None:
        return
    for task in _victims(baseline, options):
        for step in range(task.born + 1, task.ended or baseline.steps):
            for kind in options.kinds:
                if kind not in task.spared:
                    yield Fault(kind, task.number, step)


def _victims(baseline: Run, options: _Options) -> list[ScenarioTask]:
    chosen = options.victims
    children = [task for task in _children(baseline) if chosen is None or chosen(task.name)]
    return [*baseline.tasks[:1], *children] if options.root else children


def _children(baseline: Run) -> list[ScenarioTask]:
    return [task for task in baseline.tasks[1:] if task.spared != SPARED_ALL]


def _why_none(baseline: Run, options: _Options) -> str:
    if baseline.finding is not None:
        return "it failed before anything was cancelled"
    if len(baseline.tasks) == 1:
        why = "the scenario started no task (root=True cancels the scenario itself)"
    elif not (victims := _victims(baseline, options)):
        why = f"victims chose none of the tasks, which are named {_names(_children(baseline))}"
    elif all(task.spared.issuperset(options.kinds) for task in victims):
        why = f"nothing of that kind can be injected into {_names(victims)}"
    else:
        why = "each victim ended in the step in which it was started"
    return f"{', '.join(options.kinds)}: never injected, since {why}; nothing is proved"


def _names(tasks: Iterable[ScenarioTask]) -> str:
    return ", ".join(dict.fromkeys(task.name for task in tasks))
