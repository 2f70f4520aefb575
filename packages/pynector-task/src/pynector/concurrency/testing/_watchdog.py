"""Noticing a step that does not end."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from time import process_time
from types import FrameType

from ._awaiting import describe, is_library
from ._run import Run
from ._stuck import Stuck
from ._task import ScenarioTask

LIMIT = 10.0
"""Seconds of the processor that one step may take; a breakpoint takes none."""
PERIOD = 1.0
"""Seconds between two looks."""


class Watchdog:
    """A thread that looks from time to time, so that it costs nothing per step.

    Attributes:
        run: What is run at present.
    """

    def __init__(self) -> None:
        self.run: Run | None = None
        self._told = ""
        self._watched = threading.get_ident()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pynector watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._thread.join()

    def check(self) -> None:
        """Complain, if a step had to be interrupted.

        Raises:
            Stuck: One had to; the message says which task took it, and where.
        """
        if self._told:
            raise Stuck(self._told) from None

    def _watch(self) -> None:
        seen, since = self._position(), process_time()
        while not self._closed.wait(PERIOD):
            if seen != self._position():
                seen, since = self._position(), process_time()
            elif process_time() - since > LIMIT and self.run is not None:
                since = process_time()
                self._interrupt(self.run)

    def _position(self) -> tuple[Run | None, int]:
        return self.run, self.run.steps if self.run is not None else 0

    def _interrupt(self, run: Run) -> None:
        stack = list(_frames(sys._current_frames().get(self._watched)))
        task = _taking_a_step(run, stack)
        if task is None:
            return
        place = next((frame for frame in stack if not is_library(frame)), stack[0])
        self._told = self._told or (
            f"{task} does not come to its next await: {LIMIT:g} s of the processor were not enough, under"
            f" {run.schedule.token}\n  {task} is at {describe(place, place.f_lineno)}"
        )
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._watched), ctypes.py_object(KeyboardInterrupt)
        )


def _frames(innermost: FrameType | None) -> Iterator[FrameType]:
    while innermost is not None:
        yield innermost
        innermost = innermost.f_back


def _taking_a_step(run: Run, stack: list[FrameType]) -> ScenarioTask | None:
    for task in list(run.tasks):
        frame = getattr(task.coroutine, "cr_frame", None)
        if frame is not None and frame in stack:
            return task
    return None
