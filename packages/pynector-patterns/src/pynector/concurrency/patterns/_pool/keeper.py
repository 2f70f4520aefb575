"""What is to be done while nobody asks for a connection."""

from collections.abc import Callable, Collection
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_time

from .agenda import RETRY, Agenda
from .lender import Lender
from .own_tasks import OwnTasks
from .slot import Slot
from .terms import Terms


class Keeper:
    """Keeps `min_size` connections open, closes those idle or open for too long, and reports leaks.

    Args:
        terms: What was said when the pool was made.
        lenders: Gives those whose connections they are.
        agenda: When to look at each connection.
        tasks: Where its task runs.
    """

    __slots__ = ("_agenda", "_kept", "_lenders", "_scope", "_tasks", "_terms", "full", "has_failed")

    def __init__(
        self,
        terms: Terms[Any],
        lenders: Callable[[], Collection[Lender[Any]]],
        agenda: Agenda[Lender[Any]],
        tasks: OwnTasks,
    ) -> None:
        self._terms = terms
        self._lenders = lenders
        self._agenda = agenda
        self._tasks = tasks
        self._kept: list[tuple[Lender[Any], Slot[Any]]] = []  # idle for too long, but `min_size` needs them
        self._scope = CancelScope()
        self.full = Event()
        """Set when `min_size` connections have been opened, or never will be."""
        self.has_failed: bool = False
        """Whether the task was cancelled before that."""

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._agenda.is_kept = True
        for lender in self._lenders():
            for slot in lender.slots.values():
                self._agenda.add(lender, slot)
        self._tasks.start(self._keep, "keeper", self._end)

    def dismiss(self) -> None:
        """Leave the pool alone from now on."""
        self._scope.cancel()
        self.full.set()

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
        self._agenda.close()
        self.has_failed = not self.full.is_set()
        self.full.set()

    async def _look(self) -> None:
        self._agenda.bell = Event()
        self._look_at_what_is_due(current_time())
        if self._terms.limits.min_size:
            for lender in self._lenders():
                await self._fill(lender)
        now = current_time()
        with move_on_after(self._next_look(now) - now):
            await self._agenda.bell.wait()

    def _look_at_what_is_due(self, now: float) -> None:
        due = dict[Lender[Any], list[Slot[Any]]]()
        for lender, slot in (*self._kept, *self._agenda.take_due(now)):
            due.setdefault(lender, []).append(slot)
        self._kept.clear()
        for lender, slots in due.items():
            lender.close_idle(lender.ended_idle(slots, now))
            lender.ledger.report_leaks(slots, now)
            for slot in slots:
                if lender.needs_idle(slot, now):
                    self._kept.append((lender, slot))
                elif not slot.closed:
                    self._agenda.put(lender, slot, now)

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
                await lender.take_in(await lender.open())
        except Exception:
            return  # the lender has taken note of it, and tells when to try again

    def _next_look(self, now: float) -> float:
        looks = [self._agenda.next_look(), *(slot.ends_at for _, slot in self._kept)]
        if wanted := self._terms.limits.min_size:
            lacking = [lender for lender in self._lenders() if len(lender.slots) < wanted]
            looks += [now + max(RETRY, lender.retry_pause.left(now)) for lender in lacking]
        return min(looks)
