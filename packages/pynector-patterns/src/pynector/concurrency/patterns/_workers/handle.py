"""The handle of an item that was given to a worker pool."""

from collections.abc import Generator
from contextvars import Context
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import TaskCancelled, TaskNotFinished

from pynector.concurrency.task.lowlevel import Ticket, checkpoint, current_task, give_way

if TYPE_CHECKING:
    from .worker import Worker
    from .workers import Workers

T = TypeVar("T")
R = TypeVar("R")


class ItemStatus(Enum):
    """Where an item of a worker pool stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ItemHandle(Generic[T, R]):
    """An item that a `WorkerPool` took: await it for the result.

    Awaiting waits until the item is done, and gives what the worker function returned, or raises what it
    raised; of a cancelled item it raises `anyio.TaskCancelled`. If the await is cancelled, the item goes on.
    An error that was raised by awaiting, or read as `exception`, is not raised again by stopping the pool.
    """

    # No __init__: whoever makes one sets the fields, which is a quarter of the cost less.
    __slots__ = ("__weakref__", "_item", "_outcome", "_stage", "_workers", "priority")

    Status = ItemStatus

    priority: float
    """Which item goes first; there only if it was submitted with one."""
    _workers: "Workers[T, R]"
    _item: T
    _outcome: Any
    """Not done: the tickets of those who wait for it, or None. Done: the value, or the error."""
    _stage: "Context | Worker[T, R] | ItemStatus"
    """Queued: the context to run in. Running: the worker. Done: the status. One field, not three: faster."""

    @property
    def item(self) -> T:
        """The item."""
        return self._item

    @property
    def status(self) -> ItemStatus:
        """`QUEUED`, `RUNNING`, `FINISHED`, `FAILED` or `CANCELLED`."""
        if isinstance(self._stage, ItemStatus):
            return self._stage
        return ItemStatus.QUEUED if isinstance(self._stage, Context) else ItemStatus.RUNNING

    @property
    def done(self) -> bool:
        """Whether the item is neither queued nor running any more."""
        return isinstance(self._stage, ItemStatus)

    @property
    def return_value(self) -> R:
        """What the worker function returned.

        Raises:
            BaseException: what it raised.
            anyio.TaskCancelled: the item was cancelled.
            anyio.TaskNotFinished: it is not done yet.
        """
        if (error := self.exception) is not None:
            raise error
        value: R = self._outcome
        return value

    @property
    def exception(self) -> BaseException | None:
        """What the worker function raised, or None if it returned.

        Raises:
            anyio.TaskCancelled: the item was cancelled.
            anyio.TaskNotFinished: it is not done yet.
        """
        status = self.status
        if status is ItemStatus.FINISHED:
            return None
        if status is ItemStatus.FAILED:
            self._workers.outcomes.forget(self)
            error: BaseException = self._outcome
            return error
        if status is ItemStatus.CANCELLED:
            raise TaskCancelled(f"item {self._item!r} was cancelled")
        raise TaskNotFinished(f"item {self._item!r} is {status.value}")

    @property
    def _worker(self) -> "Worker[T, R] | None":
        stage = self._stage
        return None if isinstance(stage, Context | ItemStatus) else stage

    def cancel(self) -> None:
        """Cancel this item alone. Nothing happens if it is done.

        If it is queued, it leaves the queue at once. If it runs, it is cancelled at its next checkpoint.
        """
        self._workers.cancel_item(self)

    async def wait(self) -> None:
        """Wait until the item is done, in whatever way. If cancelled, the item goes on.

        If it is done already, this is no checkpoint, except for every 64th operation of the kind.

        Raises:
            RuntimeError: the item itself waits for itself.
        """
        if self.done:
            if next(self._workers.budget):
                await checkpoint()
            return
        ticket = self._queue_up()
        try:
            await ticket
        except BaseException:
            self._leave(ticket)
            raise
        self._has_run()

    def _queue_up(self) -> Ticket:
        """Begin to wait: the caller awaits the ticket at once, and calls `_leave` if that raises."""
        if (worker := self._worker) is not None and worker.task is current_task():
            raise RuntimeError(f"item {self._item!r} waits for itself; it would never be done")
        ticket = self._workers.items.queue_up()
        if self._outcome is None:
            self._outcome = {}  # a set in order
        self._outcome[ticket] = None
        return ticket

    def _leave(self, ticket: Ticket) -> None:
        self._workers.items.leave(ticket, _nothing)
        if self.done:
            self._has_run()
        else:
            del self._outcome[ticket]

    def _has_run(self) -> None:
        if self._stage is ItemStatus.FAILED:
            self._workers.outcomes.has_run()

    def __await__(self) -> Generator[Any, Any, R]:
        return self._result().__await__()

    async def _result(self) -> R:
        if self._stage is not ItemStatus.FINISHED:
            is_listener = not self.done  # see `Outcomes`
            if is_listener:
                ticket = self._queue_up()
                try:
                    await ticket
                except BaseException:
                    self._leave(ticket)
                    raise
            try:
                if self.status is not ItemStatus.FINISHED:
                    await give_way()
                return self.return_value
            finally:
                if is_listener:
                    self._has_run()
        if next(self._workers.budget):
            await checkpoint()
        value: R = self._outcome
        return value

    def __repr__(self) -> str:
        return f"<ItemHandle {self.status.value} item={self._item!r}>"


def _nothing(_: None) -> None:
    """Nobody else is owed the wake-up: all who wait for an item are woken."""
