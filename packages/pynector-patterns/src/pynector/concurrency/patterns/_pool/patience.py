"""The end of waiting."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel

from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import ParkingLot, current_time, spawn_owner

from .slot import Turn


class Patience:
    """Tells those who have waited too long in a lot that they are late.

    All wait with the same limit, so the first in the line is the first to be late: one task and one timer
    serve all. A scope for each who waits would cost more than the waiting. The task lives while somebody
    waits, and no longer than *seconds* after.

    Args:
        lot: Where they wait.
        seconds: How long each may wait; None: for ever.
    """

    __slots__ = ("_clock", "_ended", "_lot", "_scope", "_seconds", "_since")

    def __init__(self, lot: ParkingLot[Any], seconds: float | None) -> None:
        self._lot = lot
        self._seconds = seconds
        self._since: dict[Any, float] = {}
        self._scope: CancelScope | None = None
        self._ended = Event()
        self._ended.set()
        self._clock: Callable[[], float] = current_time

    def begin(self, task: Any) -> float:
        """*task* is about to wait; gives the time."""
        now = self._since[task] = self._clock()
        if self._scope is None and self._seconds is not None:
            self._scope, self._ended = CancelScope(), Event()
            watch = partial(self._watch, self._scope, self._ended, self._seconds)
            spawn_owner(watch, name="ConnectionPool.acquire_timeout")
        return now

    def end(self, task: Any) -> None:
        """*task* waits no more."""
        del self._since[task]

    def oldest(self) -> float:
        """Since when the first has been waiting; infinity if nobody waits."""
        first = self._lot.first()
        return math.inf if first is None else self._since[first]

    def dismiss(self) -> None:
        """Nobody waits now."""
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def stop(self) -> None:
        """Nobody will wait any more."""
        self.dismiss()
        if not self._ended.is_set():
            with CancelScope(shield=True):
                await self._ended.wait()

    async def _watch(self, scope: CancelScope, ended: Event, seconds: float) -> None:
        try:
            with scope:
                await anyio.lowlevel.checkpoint()  # started eagerly, it would find nobody yet
                # asyncio's loops tell the time themselves, for a fifth of what it costs to ask who runs here.
                self._clock = getattr(self._lot.home, "time", current_time)
                while (first := self._lot.first()) is not None:
                    left = self._since[first] + seconds - current_time()
                    if left > 0:
                        await anyio.sleep(left)
                    else:
                        self._lot.unpark(Turn.LATE)  # wakes the first, and nobody else
        finally:
            if self._scope is scope:
                self._scope = None
            ended.set()
