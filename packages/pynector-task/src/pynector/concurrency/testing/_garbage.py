"""Collecting garbage after each run, cheaply."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


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
