"""What is to be done while nobody asks for a connection."""

import math
from collections.abc import Callable, Collection
from typing import Any

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_time, spawn_owner

from .lender import Lender
from .terms import Terms

RETRY = 0.05
"""Seconds after which a keeper that is not satisfied looks again, at the earliest."""


class Keeper:
    """Keeps `min_size` connections open, closes those idle or open for too long, and reports leaks.

    Args:
        terms: What was said when the pool was made.
        lenders: Gives those whose connections they are.
    """

    __slots__ = ("_bell", "_ended", "_lenders", "_scope", "_terms", "full")

    def __init__(self, terms: Terms[Any], lenders: Callable[[], Collection[Lender[Any]]]) -> None:
        self._terms = terms
        self._lenders = lenders
        self._bell = Event()
        self._scope = CancelScope()
        self._ended = Event()
        self._ended.set()
        self.full = Event()
        """Set when `min_size` connections have been opened."""

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._ended = Event()
        spawn_owner(self._keep, name="ConnectionPool.keeper")

    async def stop(self) -> None:
        """Leave the pool alone."""
        self._scope.cancel()
        self.full.set()
        if not self._ended.is_set():
            with CancelScope(shield=True):
                await self._ended.wait()

    def ring(self) -> None:
        """There is a connection less; look at it soon."""
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
                lender.put_back(await lender.open())
        except Exception:
            return  # the lender has taken note of it, and tells when to try again

    def _next_look(self, now: float) -> float:
        leak_after = self._terms.watch.leak_after or math.inf
        due = [now + self._terms.limits.shortest_life, now + leak_after]
        for lender in self._lenders():
            due += [lender.idle_end(slot) for slot in lender.idle]
            due += [slot.lent_at + leak_after for slot in lender.slots.values() if slot.stack is not None]
            if len(lender.slots) < self._terms.limits.min_size:
                due.append(now + max(RETRY, lender.retry_pause.left(now)))
        return min(due)
