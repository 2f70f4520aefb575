"""One test in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

import anyio
from anyio.lowlevel import checkpoint

from ._loop.loop import ControlledLoop
from ._refusals import refuse_in_a_loop
from ._report.stack import without_machinery
from ._report.stuck import stuck
from ._schedule.run import MAX_STEPS_AT_ONCE, Run
from ._schedule.schedule import Schedule
from ._schedule.session import runner_for

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
    run.loop_errors = None
    runner_for(run.schedule)(scenario, run)
    if run.finding is not None:
        if run.finding.error is not None:
            raise without_machinery(run.finding.error)
        if run.finding.kind in {"deadlock", "livelock"}:
            raise stuck(run.finding)
    return results[0]


_STEPS = 20
"""As many as a task is likely to take before it waits; more cost next to nothing."""


async def wait_until_blocked() -> None:
    """Wait until no other task can go on.

    Like `anyio.wait_all_tasks_blocked()`, but virtual time does not pass meanwhile, and no task is woken to
    look. Outside virtual time it calls that function, after some checkpoints: on asyncio that one looks only
    every tenth of a second, and most tests have come to rest by then.

    Example:
        ```python
        lock = anyio.Lock()
        await lock.acquire()
        async with anyio.create_task_group() as tg:
            tg.start_soon(lock.acquire)
            await wait_until_blocked()
            print(lock.statistics().tasks_waiting)
            #> 1
            tg.cancel_scope.cancel()
        ```
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if isinstance(loop, ControlledLoop):
        await loop.until_idle()
    else:
        for _ in range(_STEPS):
            await checkpoint()
        await anyio.wait_all_tasks_blocked()
