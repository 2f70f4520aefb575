"""What is to be done while nobody asks for a connection."""

import math
from typing import Any

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_time, spawn_owner

from .lender import Lender

RETRY = 0.05
"""Seconds after which a keeper that is not satisfied looks again, at the earliest."""


class Keeper:
    """Keeps `min_size` connections open, closes those idle or open for too long, and reports leaks.

    Args:
        lender: Whose connections they are.
    """

    __slots__ = ("_bell", "_ended", "_lender", "_scope", "full")

    def __init__(self, lender: Lender[Any]) -> None:
        self._lender = lender
        self._bell = Event()
        self._scope = CancelScope()
        self._ended = Event()
        self._ended.set()
        self.full = Event()
        """Set when `min_size` connections have been opened."""

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._lender.on_lessened = self._ring
        self._ended = Event()
        spawn_owner(self._keep, name="ConnectionPool.keeper")

    async def stop(self) -> None:
        """Leave the pool alone."""
        self._scope.cancel()
        self.full.set()
        if not self._ended.is_set():
            with CancelScope(shield=True):
                await self._ended.wait()

    def _ring(self) -> None:
        self._bell.set()

    async def _keep(self) -> None:
        try:
            with self._scope:
                while True:
                    await self._look()
        finally:
            self._ended.set()

    async def _look(self) -> None:
        self._bell = Event()
        await self._lender.dispose_idle(self._lender.ended_idle(current_time()))
        await self._fill()
        now = current_time()
        self._lender.ledger.report_leaks(self._lender, now)
        with move_on_after(self._next_look(now) - now):
            await self._bell.wait()

    async def _fill(self) -> None:
        lender, wanted = self._lender, self._lender.terms.limits.min_size
        if lender.retry_pause.left(current_time()) <= 0:
            async with create_task_group() as tg:
                for _ in range(wanted - lender.total):
                    tg.start_soon(self._open)
        if len(lender.slots) >= wanted:
            self.full.set()

    async def _open(self) -> None:
        if not self._lender.reserve():
            return
        try:
            with move_on_after(self._lender.terms.acquire_timeout):
                self._lender.put_back(await self._lender.open())
        except Exception:
            return  # the lender has taken note of it, and tells when to try again

    def _next_look(self, now: float) -> float:
        lender, terms = self._lender, self._lender.terms
        leak_after = terms.watch.leak_after or math.inf
        due = [now + terms.limits.shortest_life, now + leak_after]
        due += [lender.idle_end(slot) for slot in lender.idle]
        due += [slot.lent_at + leak_after for slot in lender.slots.values() if slot.stack is not None]
        if len(lender.slots) < terms.limits.min_size:
            due.append(now + max(RETRY, lender.retry_pause.left(now)))
        return min(due)
