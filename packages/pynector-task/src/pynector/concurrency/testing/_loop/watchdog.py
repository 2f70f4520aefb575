"""Noticing a step that does not end."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import process_time
from types import FrameType

from .._report.stack import describe, is_library
from .._report.stuck import Stuck
from .._schedule.run import Run
from .._schedule.task import ScenarioTask

LIMIT = 10.0
"""Seconds of the processor that one step may take; a breakpoint takes none."""
PERIOD = 1.0
"""Seconds between two looks."""


class Watchdog:
    """A thread that looks from time to time, so that it costs nothing per step."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._runs = 0
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

    @contextmanager
    def watching(self, run: Run) -> Generator[None]:
        """Interrupt, inside, a step of *run* that does not end; `check` tells of it."""
        self._run, self._runs = run, self._runs + 1
        try:
            yield
        except KeyboardInterrupt:
            if not self._told:
                raise
        finally:
            self._run = None

    def check(self) -> None:
        """Complain, if a step had to be interrupted.

        Raises:
            Stuck: One had to; the message says which task took it, and where.
        """
        if self._told:
            raise Stuck(self._told)

    def _watch(self) -> None:
        seen, since = self._position(), process_time()
        while not self._closed.wait(PERIOD):
            if seen != self._position():
                seen, since = self._position(), process_time()
            elif process_time() - since > LIMIT:
                since = process_time()
                self._interrupt_step()

    def _position(self) -> tuple[int, int]:
        # Numbers, since a run that is kept alive keeps what the next one would hear being deleted.
        run = self._run
        return self._runs, 0 if run is None else run.steps

    def _interrupt_step(self) -> None:
        run = self._run
        stack = list(_frames(sys._current_frames().get(self._watched)))
        task = None if run is None else _taking_a_step(run, stack)
        if run is None or task is None:
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
