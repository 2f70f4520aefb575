"""Hearing what Python says about coroutines that nobody awaited."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


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
