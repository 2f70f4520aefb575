"""What counts as wrong when a scenario has come to its end."""

from __future__ import annotations

from pynector.concurrency.task.lowlevel import leaves

from ._errors import in_words, without_cancellations
from ._run import Run


def judge(run: Run, error: BaseException | None, cancelled: type[BaseException]) -> None:
    """Record what is wrong with a run that has ended.

    A cancellation or an interrupt that leaves the scenario is not wrong where one was injected.

    Raises:
        KeyboardInterrupt: The user has interrupted the run.
        SystemExit: The scenario wants Python to end.
    """
    interrupted = run.fired_kind("interrupt")
    if error is not None and not interrupted:
        for single in leaves(error):
            if isinstance(single, (KeyboardInterrupt, SystemExit)):
                raise single
    if error is not None and run.fired:
        error = without_cancellations(error, (cancelled, KeyboardInterrupt) if interrupted else cancelled)
    if error is not None:
        run.stop("exception", ", ".join(map(in_words, leaves(error))), error)
    swallowed = [str(task) for task in run.tasks if task.swallowed]
    if swallowed:
        struck = "interrupted" if interrupted else "cancelled"
        run.stop("swallowed cancellation", f"{', '.join(swallowed)} ended as if it were not {struck}")
    if run.alive:
        run.stop("leaked task", f"{', '.join(map(str, run.alive))} outlived the scenario")
