"""Collecting garbage after each run, cheaply."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def only_young_garbage() -> Generator[None]:
    """Make `gc.collect()` look at what is made inside only; it costs next to nothing then.

    A run's own garbage is collected before the next one begins. So a coroutine that was never awaited, or an
    error that reached nobody, is heard in the run that it belongs to, even if it hangs in a cycle.
    """
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
