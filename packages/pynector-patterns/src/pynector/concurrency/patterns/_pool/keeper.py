"""What is to be done while nobody asks for a connection."""

from collections.abc import Callable, Collection
from typing import Any

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import current_time

from .agenda import Agenda
from .lender import Lender
from .own_tasks import OwnTasks
from .slot import Slot


class Keeper:
    """Closes connections that are idle or open for too long, and reports leaks.

    Args:
        lenders: Gives those whose connections they are.
        agenda: When to look at each connection.
        tasks: Where its task runs.
    """

    __slots__ = ("_agenda", "_kept", "_lenders", "_scope", "_tasks")

    def __init__(
        self,
        lenders: Callable[[], Collection[Lender[Any]]],
        agenda: Agenda[Lender[Any]],
        tasks: OwnTasks,
    ) -> None:
        self._lenders = lenders
        self._agenda = agenda
        self._tasks = tasks
        self._kept: list[tuple[Lender[Any], Slot[Any]]] = []  # idle for too long, but `min_size` needs them
        self._scope = CancelScope()

    def start(self) -> None:
        """Begin to keep the pool, in a task of its own."""
        self._agenda.is_kept = True
        for lender in self._lenders():
            for slot in lender.slots.values():
                self._agenda.add(lender, slot)
        self._tasks.start(self._keep, "keeper", self._agenda.close)

    def dismiss(self) -> None:
        """Leave the pool alone from now on."""
        self._scope.cancel()

    async def _keep(self) -> None:
        with self._scope:
            while True:
                await self._look()

    async def _look(self) -> None:
        self._agenda.bell = Event()
        self._look_at_what_is_due(current_time())
        now = current_time()
        with move_on_after(self._next_look() - now):
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

    def _next_look(self) -> float:
        return min([self._agenda.next_look(), *(slot.ends_at for _, slot in self._kept)])
