"""Connections that are opened ahead."""

import math
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_time

from .agenda import RETRY, Agenda
from .lender import Lender
from .own_tasks import OwnTasks
from .terms import Terms


class Filler:
    """Keeps `min_size` connections open, in a task of its own: a factory that hangs holds up nothing else.

    Args:
        terms: What was said when the pool was made.
        lender: Whose connections they are.
        agenda: Tells when one may be lacking.
        tasks: Where its task runs.
    """

    __slots__ = ("_agenda", "_full", "_has_failed", "_lender", "_scope", "_tasks", "_terms")

    def __init__(
        self, terms: Terms[Any], lender: Lender[Any], agenda: Agenda[Lender[Any]], tasks: OwnTasks
    ) -> None:
        self._terms = terms
        self._lender = lender
        self._agenda = agenda
        self._tasks = tasks
        self._scope = CancelScope()
        self._full = Event()  # set when they have been opened, or never will be
        self._has_failed = False  # whether the task was cancelled before that

    def start(self) -> None:
        """Begin to open connections, if there are to be any."""
        if self._terms.limits.min_size:
            self._tasks.start(self._open_ahead, "opener", self._end)

    def dismiss(self) -> None:
        """Open none any more."""
        self._scope.cancel()
        self._full.set()

    async def wait_until_full(self) -> None:
        """Wait until they have been opened; see `ConnectionPool.wait_ready`."""
        if self._terms.limits.min_size:
            with move_on_after(self._terms.acquire_timeout) as scope:
                await self._full.wait()
            if scope.cancelled_caught:
                raise self._lender.late()
        self._lender.check_open()
        if self._has_failed:
            raise BrokenResourceError("the task that opens connections ahead was cancelled")

    async def _open_ahead(self) -> None:
        with self._scope:
            while True:
                self._agenda.lack = Event()
                await self._fill()
                with move_on_after(self._pause()):
                    await self._agenda.lack.wait()

    def _end(self) -> None:
        self._has_failed = not self._full.is_set()
        self._full.set()

    async def _fill(self) -> None:
        lender, wanted = self._lender, self._terms.limits.min_size
        if lender.total < wanted and lender.retry_pause.left(current_time()) <= 0:
            async with create_task_group() as tg:
                for _ in range(wanted - lender.total):
                    tg.start_soon(self._open)
        if len(lender.slots) >= wanted:
            self._full.set()

    async def _open(self) -> None:
        lender = self._lender
        if not lender.reserve():
            return
        try:
            with move_on_after(self._terms.acquire_timeout):
                await lender.take_in(await lender.open())
        except Exception:
            return  # the lender has taken note of it, and tells when to try again

    def _pause(self) -> float:
        if len(self._lender.slots) >= self._terms.limits.min_size:
            return math.inf
        return max(RETRY, self._lender.retry_pause.left(current_time()))
