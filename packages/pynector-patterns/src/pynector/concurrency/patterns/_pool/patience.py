"""The end of waiting."""

import math
from functools import partial
from typing import Any

import anyio

from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.task.lowlevel import ParkingLot, current_time

from .own_tasks import OwnTasks
from .slot import Turn


class Patience:
    """Tells those who have waited too long in a lot that they are late.

    All wait with the same limit, so the first in the line is the first to be late: one task and one timer
    serve all. A scope for each who waits would cost more than the waiting. The task lives while somebody
    waits, and no longer than *seconds* after.

    Args:
        lot: Where they wait.
        seconds: How long each may wait; None: for ever.
        tasks: Where the task runs.
    """

    __slots__ = ("_lot", "_scope", "_seconds", "_tasks")

    def __init__(self, lot: ParkingLot[Any], seconds: float | None, tasks: OwnTasks) -> None:
        self._lot = lot
        self._seconds = seconds
        self._tasks = tasks
        self._scope: CancelScope | None = None

    def begin(self) -> None:
        """Somebody waits in the lot."""
        if self._scope is None and self._seconds is not None:
            self._start(self._seconds)

    def dismiss(self) -> None:
        """Nobody waits now."""
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    def _start(self, seconds: float) -> None:
        self._scope = scope = CancelScope()
        watch, forget = partial(self._watch, scope, seconds), partial(self._forget, scope)
        self._tasks.start(watch, "acquire_timeout", forget)

    async def _watch(self, scope: CancelScope, seconds: float) -> None:
        try:
            with scope:
                while (since := self._lot.oldest()) < math.inf:
                    left = since + seconds - current_time()
                    if left > 0:
                        await anyio.sleep(left)
                    else:
                        self._lot.unpark(Turn.LATE)  # the first who waits here is the first there
        finally:
            self._forget(scope)

    def _forget(self, scope: CancelScope) -> None:
        if self._scope is scope:
            self._scope = None
