"""The end of a pool."""

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import checkpoint, current_time, operation_budget

from .closing import LEEWAY
from .filler import Filler
from .keeper import Keeper
from .lender import Lender
from .own_tasks import OwnTasks
from .terms import Terms


class Shutdown:
    """Waits for leases to end, and closes everything.

    Each decision is one synchronous step, and each connection is closed in a task of its own. So whatever
    cancels those who wait here, all is closed, and whoever comes again waits for it.

    Args:
        terms: What was said when the pool was made.
        lenders: Gives those whose connections they are.
        keepers: Those who are not needed any more.
        tasks: All tasks of the pool.
    """

    __slots__ = ("_budget", "_keepers", "_leases_end_at", "_lenders", "_tasks", "_terms")

    def __init__(
        self,
        terms: Terms[Any],
        lenders: Callable[[], Collection[Lender[Any]]],
        keepers: Iterable[Keeper | Filler],
        tasks: OwnTasks,
    ) -> None:
        self._terms = terms
        self._lenders = lenders
        self._keepers = tuple(keepers)
        self._tasks = tasks
        self._leases_end_at: float | None = None
        self._budget = operation_budget()

    async def run(self, grace: float) -> None:
        """End the pool, whose lenders were shut before. Whoever comes first decides on the grace."""
        if self._leases_end_at is None:
            self._leases_end_at = current_time() + grace
        for keeper in self._keepers:
            keeper.dismiss()
        if self._is_over:
            if next(self._budget):
                await checkpoint()
            return
        try:
            await self._wait_for_leases(self._leases_end_at)
        finally:
            self._leases_end_at = -math.inf
            for lender in self._lenders():
                lender.close_lent()
            await self._wait_for_the_rest()

    @property
    def _is_over(self) -> bool:
        return self._tasks.have_ended and all(lender.empty.is_set() for lender in self._lenders())

    async def _wait_for_leases(self, end: float) -> None:
        left = end - current_time()
        if left > 0:
            with move_on_after(left):
                await self._wait_until_empty()

    async def _wait_for_the_rest(self) -> None:
        # Shielded, and limited: for tasks that close a connection, and then for those that still open one.
        with move_on_after(2 * self._terms.close_timeout + LEEWAY, shield=True):
            await self._tasks.wait()
            await self._wait_until_empty()
            await self._tasks.wait()

    async def _wait_until_empty(self) -> None:
        for lender in self._lenders():
            if not lender.empty.is_set():
                await lender.empty.wait()
