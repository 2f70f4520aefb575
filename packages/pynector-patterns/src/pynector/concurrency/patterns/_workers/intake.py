"""Where a worker pool's items come in."""

# pyright: reportPrivateUsage=false

from contextvars import copy_context
from typing import Generic, TypeVar

from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.task.lowlevel import give_way

from .crew import Crew
from .item_handle import ItemHandle

T = TypeVar("T")
R = TypeVar("R")


class Intake(Generic[T, R]):
    """Says whether an item may be submitted now, and lets its submitter wait for room."""

    __slots__ = ("_crew", "_takes_priorities")

    def __init__(self, crew: Crew[T, R], *, takes_priorities: bool) -> None:
        self._crew = crew
        self._takes_priorities = takes_priorities

    def check_priority(self, priority: object) -> None:
        """Make sure that *priority* can be compared with all others."""
        if not self._takes_priorities:
            raise ValueError("priority needs a pool made with priorities=True")
        if not isinstance(priority, int | float) or isinstance(priority, bool):
            raise TypeError(f"priority must be a number, not {priority!r}")
        if priority != priority:
            raise ValueError("priority must be a number, not NaN")

    def check_open(self) -> None:
        """Make sure that the pool takes items."""
        if self._crew.is_open:
            return
        if self._crew.state == "new":
            raise RuntimeError("worker pool is not started; use it with 'async with', or call start() first")
        raise self._crew.policy.refusal()

    def put(self, item: T, priority: float | None) -> ItemHandle[T, R]:
        """Queue *item* at once, and give its handle."""
        if priority is not None:
            self.check_priority(priority)
        backlog = self._crew.backlog
        if len(backlog.line) >= backlog.capacity:
            self.check_open()
            raise WouldBlock("worker pool: no room in the queue")
        handle: ItemHandle[T, R] = ItemHandle()
        handle._crew, handle._item, handle._outcome = self._crew, item, None
        handle._stage = copy_context()
        if priority is not None:
            handle.priority = priority
        return self._crew.put(handle)

    async def pass_gate(self) -> None:
        """Make sure that the pool takes items; if not, a cancellation of this task goes first."""
        try:
            self.check_open()
        except ClosedResourceError:
            await give_way()
            raise

    async def wait_for_room(self) -> None:
        """Wait until there is room for an item, which is to be put in at once."""
        try:
            self.check_open()
            backlog = self._crew.backlog
            self._crew.members.refuse_the_last(self._crew.limit)
            await backlog.wait_for_room()
            backlog.keep_promise()
            self.check_open()
        except ClosedResourceError:
            await give_way()
            raise
