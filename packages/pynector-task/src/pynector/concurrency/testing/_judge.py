"""What counts as wrong when a scenario has come to its end."""

from __future__ import annotations

from ._cancelled import without_cancellations
from ._run import Run


def judge(run: Run, error: BaseException | None, cancelled: type[BaseException]) -> None:
    """Record what is wrong with a run that has ended.

    A cancellation or an interrupt that leaves the scenario is not wrong where one was injected.
    """
    if error is not None and run.fired:
        excused = (cancelled, KeyboardInterrupt) if run.fired_kind("interrupt") else cancelled
        error = without_cancellations(error, excused)
    if error is not None:
        run.stop("exception", f"{type(error).__name__}: {error}", error)
    swallowed = [str(task) for task in run.tasks if task.swallowed]
    if swallowed:
        run.stop("swallowed cancellation", f"{', '.join(swallowed)} ended as if it were not cancelled")
    if run.alive:
        run.stop("leaked task", f"{', '.join(run.alive)} outlived the scenario")
