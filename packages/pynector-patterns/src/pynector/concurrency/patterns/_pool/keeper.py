"""What is to be done while nobody asks for a connection."""

import math
from collections.abc import Callable, Collection, Iterator
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_time

from .lender import Lender
from .own_tasks import OwnTasks
from .terms import Terms

RETRY = 0.05
"""Seconds after which a keeper that nobody rings looks again, at the earliest, but for a known end."""


class Keeper:
    """Keeps `min_size` connections open, closes those idle or open for too long, and reports leaks.

    Args:
        terms: What was said when the pool was made.
        lenders: Gives those whose connections they are.
        tasks: Where its task runs.
    """

    __slots__ = ("_bell", "_lenders", "_scope", "_tasks", "_terms", "full", "has_failed")

    def __init__(
        self, terms: Terms[Any], lenders: Callable[[], Collection[Lender[Any]]], tasks: OwnTasks
    ) -> None:
        self._terms = terms
        self._lenders = lenders
        self._tasks = tasks
        self._bell = Event()
        self._scope = CancelScope()
        self.full = Event()
        """Set when `min_size` connections have been opened, or never will be."""
        self.has_failed: bool = False
        """Whether the task was cancelled before that."""

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._tasks.start(self._keep, "keeper", self._end)

    def dismiss(self) -> None:
        """Leave the pool alone from now on."""
        self._scope.cancel()
        self.full.set()

    def ring(self) -> None:
        """There is a connection more or less; look at it soon."""
        self._bell.set()

    async def wait_until_full(self, lender: Lender[Any]) -> None:
        """Wait until `min_size` connections of *lender* have been opened; see `ConnectionPool.wait_ready`."""
        if self._terms.limits.min_size:
            with move_on_after(self._terms.acquire_timeout) as scope:
                await self.full.wait()
            if scope.cancelled_caught:
                raise lender.late()
        lender.check_open()
        if self.has_failed:
            raise BrokenResourceError("the task that keeps the connection pool was cancelled")

    async def _keep(self) -> None:
        with self._scope:
            while True:
                await self._look()

    def _end(self) -> None:
        self.has_failed = not self.full.is_set()
        self.full.set()

    async def _look(self) -> None:
        self._bell = Event()
        now = current_time()
        for lender in self._lenders():
            lender.close_idle(lender.ended_idle(now))
        for lender in self._lenders():
            await self._fill(lender)
        now = current_time()
        for lender in self._lenders():
            lender.ledger.report_leaks(lender, now)
        with move_on_after(self._next_look(now) - now):
            await self._bell.wait()

    async def _fill(self, lender: Lender[Any]) -> None:
        wanted = self._terms.limits.min_size
        if lender.total < wanted and lender.retry_pause.left(current_time()) <= 0:
            async with create_task_group() as tg:
                for _ in range(wanted - lender.total):
                    tg.start_soon(self._open, lender)
        if len(lender.slots) >= wanted:
            self.full.set()

    async def _open(self, lender: Lender[Any]) -> None:
        if not lender.reserve():
            return
        try:
            with move_on_after(self._terms.acquire_timeout):
                slot = await lender.open()
                lender.put_back(slot, lender.now())
        except Exception:
            return  # the lender has taken note of it, and tells when to try again

    def _next_look(self, now: float) -> float:
        return min((due for lender in self._lenders() for due in self._due(lender, now)), default=math.inf)

    def _due(self, lender: Lender[Any], now: float) -> Iterator[float]:
        limits, leak_after = self._terms.limits, self._terms.watch.leak_after
        slots = lender.slots.values()
        yield from map(lender.idle_end, lender.idle)
        yield from (slot.ends_at for slot in slots if slot.ends_at > now)
        if lender.lent and limits.max_idle:  # one that comes back now is idle until then, at least
            yield now + max(RETRY, limits.max_idle)
        if slots and leak_after is not None:  # likewise for one that is lent now
            yield now + max(RETRY, leak_after)
            yield from (slot.lent_at + leak_after for slot in slots if slot.calls is not None)
        if len(slots) < limits.min_size:
            yield now + max(RETRY, lender.retry_pause.left(now))
