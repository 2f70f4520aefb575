"""What must hold after each step."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from inspect import iscoroutinefunction

from .run import Run

current_run: ContextVar[Run] = ContextVar("current_run")


def invariant(check: Callable[[], object]) -> None:
    """Check, after each step of the scenario that calls this, that something holds.

    Args:
        check: Called without arguments, between the steps of tasks. It fails by returning `False` or by
            raising `AssertionError` (any other `Exception` counts, too).

    Raises:
        RuntimeError: Called outside a scenario.
        TypeError: *check* cannot be called, or is an async function, which nobody would await.

    Example:
        ```python
        async def scenario() -> None:
            lent = 0
            invariant(lambda: lent <= 2)

            async def borrow() -> None:
                nonlocal lent
                lent += 1
                await anyio.sleep(1)
                lent -= 1

            async with anyio.create_task_group() as tg:
                for _ in range(3):
                    tg.start_soon(borrow)


        print(explore(scenario).failures[0].kind)
        #> invariant
        ```
    """
    if not callable(check) or iscoroutinefunction(check) or iscoroutinefunction(type(check).__call__):
        raise TypeError(f"invariant() takes a plain function, which is called after each step, not {check!r}")
    try:
        run = current_run.get()
    except LookupError:
        raise RuntimeError(
            "invariant() belongs in a scenario that explore(), cancel_everywhere() or replay() runs"
        ) from None
    run.invariants.append(check)
