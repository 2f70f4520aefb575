"""What counts as wrong when a scenario has come to its end."""

from __future__ import annotations

import ctypes
import gc
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pynector.concurrency.task.lowlevel import leaves

from .._schedule.run import Run
from .stack import in_words, without_cancellations


def record_outcome(run: Run, error: BaseException | None, cancelled: type[BaseException]) -> None:
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
        how = "interrupted" if interrupted else "cancelled"
        run.stop("swallowed cancellation", f"{', '.join(swallowed)} ended as if it were not {how}")
    if run.alive:
        run.stop("leaked task", f"{', '.join(map(str, run.alive))} outlived the scenario")


@contextmanager
def never_awaited() -> Generator[list[str]]:
    """Collect the warnings that a coroutine was never awaited; let all others pass."""
    heard: list[str] = []

    with warnings.catch_warnings():
        show = warnings.showwarning

        def listen(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
            if category is RuntimeWarning and "was never awaited" in str(message):
                heard.append(str(message).splitlines()[0])
            else:
                show(message, category, *place, **options)

        warnings.filterwarnings("always", message=r"coroutine .* was never awaited", category=RuntimeWarning)
        warnings.showwarning = listen
        yield heard


@contextmanager
def only_young_garbage() -> Generator[None]:
    """Make collecting garbage look at what is made inside only; it costs next to nothing then.

    A run's own garbage is collected before the next one begins. So a coroutine that was never awaited, or an
    error that reached nobody, is heard in the run that it belongs to, even if it hangs in a cycle.
    """
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what is frozen is not looked at
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def collect_young_garbage() -> None:
    """Collect what a run has left behind; what stays, such as imported modules, is young no more."""
    gc.collect()
    gc.freeze()


def keep_for_ever(coroutine: Any) -> None:
    """Never let Python delete a coroutine.

    Deleting one that is suspended resumes it once more, with `GeneratorExit`. There is no event loop any
    more then, so that each `await` raises at once; one that catches everything in a loop would spin for ever.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))
