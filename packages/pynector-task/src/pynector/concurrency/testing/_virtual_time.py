"""One test in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

from ._errors import without_machinery
from ._refusals import refuse_in_a_loop
from ._run import MAX_STEPS_AT_ONCE, Run
from ._schedule import Schedule
from ._session import runner_for
from ._stuck import stuck

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


def run_in_virtual_time(
    function: Callable[[*_Ts], Coroutine[Any, Any, _T]], *args: *_Ts, backend: str = "asyncio"
) -> _T:
    """Call an async function on an event loop of its own, like `anyio.run`, but with time that takes none.

    Tasks run in the order of the backend. As soon as all of them wait, time jumps to the next deadline. If
    there is none, the test would hang: `Stuck` says who waits where. It would, too, if tasks go on and on
    while no time passes. On asyncio, an error that reaches nobody is logged, as asyncio does; `explore` makes
    it a failure.

    Args:
        function: An async function.
        args: Its arguments.
        backend: `asyncio` or `trio`.

    Returns:
        What *function* returns.

    Raises:
        Stuck: No task can go on, and no deadline is left; or a million steps were taken, and no time has
            passed.
        RuntimeError: Called while an event loop runs in this thread.

    Example:
        ```python
        async def nap() -> str:
            await anyio.sleep(3600)
            return "rested"


        print(run_in_virtual_time(nap))
        #> rested
        ```
    """
    __tracebackhide__ = True
    refuse_in_a_loop()
    results: list[_T] = []

    async def scenario() -> None:
        results.append(await function(*args))

    scenario.__name__ = getattr(function, "__name__", "scenario")
    run = Run(Schedule(backend), max_steps_at_once=MAX_STEPS_AT_ONCE)
    run.complaints = None
    runner_for(run.schedule)(scenario, run)
    if run.finding is not None:
        if run.finding.error is not None:
            raise without_machinery(run.finding.error)
        if run.finding.kind in {"deadlock", "livelock"}:
            raise stuck(run.finding)
    return results[0]
