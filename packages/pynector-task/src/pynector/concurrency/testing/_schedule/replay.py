"""One schedule again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

from .._refusals import refuse_less_than_one
from .._report.failure import Failure
from .chooser import parse_deviations
from .run import Run
from .schedule import Schedule
from .session import Scenario, Session


def replay(scenario: Scenario, token: str, *, max_steps: int = 10_000) -> None:
    """Run one schedule of a scenario again; it passes once the scenario is mended.

    A mended scenario may take other steps, so that what the token injects meets nobody, or that a choice in
    it never comes: then a `RuntimeWarning` says that the token shows nothing any more.

    Args:
        scenario: What is run.
        token: The schedule, as a failure printed it.
        max_steps: Steps after which the schedule counts as livelocked.

    Raises:
        AssertionError: It fails; the message is the schedule as a list, the cause is what the scenario
            raised.
        TypeError: *scenario* is no async function, or needs arguments; the token is no text.
        ValueError: The token cannot be read, or tells of what its backend does not have.
        RuntimeError: Called while an event loop runs in this thread.
        Stuck: A task does not come to its next `await`, within ten seconds of the processor.

    Example:
        ```python
        async def scenario() -> None:
            async with anyio.create_task_group() as tg:
                tg.start_soon(anyio.sleep, 1)
                tg.start_soon(anyio.sleep, 1)


        replay(scenario, "asyncio/0=1/scope-2@3")
        ```
    """
    __tracebackhide__ = True
    raise_failures(run_again(scenario, token, max_steps=max_steps))


def run_again(scenario: Scenario, token: str, *, max_steps: int) -> list[Failure]:
    """Run one schedule, warn if the token does not fit any more, and return what failed."""
    refuse_less_than_one(max_steps=max_steps)
    schedule = Schedule.parse(token)
    session = Session(scenario, max_steps=max_steps, max_failures=1)
    with session.open():
        run = session.run(schedule)
    for why in () if run.over else _of_no_effect(schedule, run):
        warnings.warn(f"{why}; the token shows nothing any more", RuntimeWarning, stacklevel=3)
    return session.report.failures


def raise_failures(failures: Iterable[Failure]) -> None:
    """Raise the first one, caused by what the scenario raised."""
    __tracebackhide__ = True
    for failure in failures:
        raise AssertionError(str(failure)) from failure.error


def _of_no_effect(schedule: Schedule, run: Run) -> Iterator[str]:
    token = schedule.token
    for fault in schedule.faults:
        if fault not in run.fired:
            yield f"{fault} of {token!r} was injected into no task: {run.about_victim(fault)}"
    deviations = parse_deviations(schedule.order) if "=" in schedule.order else {}
    for choice, taken in deviations.items():
        choices = len(run.branches)
        if choice >= choices:
            yield f"{choice}={taken} of {token!r} changed nothing: there were only {choices} choices"
        elif run.branches[choice][1] != taken:
            ready = run.branches[choice][0]
            yield f"{choice}={taken} of {token!r} changed nothing: only {ready} were ready at choice {choice}"
