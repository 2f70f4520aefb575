"""Coroutines that refuse to end."""

from __future__ import annotations

import ctypes
from typing import Any


def keep_for_ever(coroutine: Any) -> None:
    """Never let Python delete a coroutine.

    Deleting one that is suspended resumes it once more, with `GeneratorExit`. There is no event loop any
    more then, so that each `await` raises at once; one that catches everything in a loop would spin for ever.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))
