"""The handle of an item that was submitted to a worker pool, and every change of the item's state."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import Context
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from anyio import TaskCancelled, TaskNotFinished

from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    Waiter,
    checkpoint,
    checkpoint_before_raise,
    current_task,
    operation_budget,
)

T = TypeVar("T")
R = TypeVar("R")


class ItemStatus(Enum):
    """The state of an item of a worker pool."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED, FAILED = ItemStatus.FINISHED, ItemStatus.FAILED


class Runner(Protocol):
    """The worker that runs an item."""

    @property
    def task(self) -> object: ...


class HandleOwner:
    """What the handles of one pool share.

    Attributes:
        lot: Where tasks wait for items, each for one of them.
        budget: Says when an operation that does not wait must pass a checkpoint.
        cancel: Cancels one item.
        error_read: Called when the error of an item has reached somebody.
        waiter_ran: Called when a task that waited for an item that failed has run again.
        reader_ran: Called when a task that wanted the result of an item that failed has read it, or will not.
    """

    __slots__ = ("budget", "cancel", "error_read", "lot", "reader_ran", "waiter_ran")

    def __init__(
        self,
        lot: ParkingLot[None],
        *,
        cancel: Callable[["ItemHandle[Any, Any]"], None],
        error_read: Callable[["ItemHandle[Any, Any]"], None],
        waiter_ran: Callable[[], None],
        reader_ran: Callable[["ItemHandle[Any, Any]"], None],
    ) -> None:
        self.lot = lot
        self.budget: Iterator[bool] = operation_budget()
        self.cancel = cancel
        self.error_read = error_read
        self.waiter_ran = waiter_ran
        self.reader_ran = reader_ran

    def wake(self, waiters: Iterable[Waiter]) -> None:
        """Wake those who wait for an item that is done."""
        for waiter in waiters:
            self.lot.wake(waiter, None)


class ItemHandle(Generic[T, R]):
    """An item that a `WorkerPool` accepted: await it for the result.

    Awaiting waits until the item is done, and returns what the worker function returned, or raises what it
    raised; for a cancelled item it raises `anyio.TaskCancelled`. If the await is cancelled, the item goes on.
    An error that was raised by awaiting, or read as `exception`, is not raised again by stopping the pool.
    """

    # No __init__: whoever makes one sets the fields, which is a quarter of the cost less.
    __slots__ = ("__weakref__", "_is_expected", "_item", "_outcome", "_owner", "_stage", "priority")

    Status = ItemStatus

    priority: float
    """Which item goes first; set only if it was submitted with one."""
    _owner: HandleOwner
    _item: T
    _is_expected: bool
    """Whether `WorkerPool.map` will read the result, though it does not wait yet; set only if it will."""
    _outcome: Any
    """Not done: the waiters of the tasks that wait for it, each with whether the result is wanted; or None.
    Done: the value, or the error."""
    _stage: Context | Runner | ItemStatus
    """Queued: the context to run in. Running: the worker. Done: the status. One field, not three: faster."""

    # The states, in order. Two of these changes are written out where they are made, since a call is a good
    # part of what a short item costs: queueing in `WorkerPool.submit`, beginning and finishing in `Worker`.

    def _queue(self, owner: HandleOwner, item: T, context: Context, priority: float | None) -> None:
        """Become the handle of a queued item."""
        self._owner, self._item, self._outcome = owner, item, None
        self._stage = context
        if priority is not None:
            self.priority = priority

    def _fail(self, error: BaseException) -> tuple[int, int]:
        """End with *error*; return how many tasks wait for that, and how many of them want the result."""
        waiters: dict[Waiter, bool] = self._outcome or {}
        self._end(ItemStatus.FAILED, error)
        return len(waiters), sum(waiters.values()) + hasattr(self, "_is_expected")

    def _give_up(self) -> None:
        """Count as awaited no longer, now that the item is done."""
        if self._stage is FAILED:
            self._owner.reader_ran(self)

    def _drop(self) -> None:
        """End because the item was cancelled."""
        self._end(ItemStatus.CANCELLED, None)

    def _end(self, status: ItemStatus, outcome: object) -> None:
        self._stage = status
        waiters, self._outcome = self._outcome, outcome
        if waiters is not None:
            self._owner.wake(waiters)

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
        if status is FAILED:
            self._owner.error_read(self)
            error: BaseException = self._outcome
            return error
        if status is ItemStatus.CANCELLED:
            raise TaskCancelled(f"item {self._item!r} was cancelled")
        raise TaskNotFinished(f"item {self._item!r} is {status.value}")

    @property
    def _runner(self) -> Runner | None:
        """The worker that runs the item, while one does."""
        stage = self._stage
        return None if isinstance(stage, Context | ItemStatus) else stage

    def cancel(self) -> None:
        """Cancel this item alone. Nothing happens if it is done.

        If it is queued, it leaves the queue at once. If it runs, it is cancelled at its next checkpoint.
        """
        self._owner.cancel(self)

    async def wait(self) -> None:
        """Wait until the item is done, in whatever way. If cancelled, the item goes on.

        If it is done already, this is no checkpoint, except for every 64th such operation.

        Raises:
            RuntimeError: the item itself waits for itself.
        """
        if self.done:
            if next(self._owner.budget):
                await checkpoint()
            return
        waiter = self._queue_up(wants_result=False)
        try:
            await waiter
        except BaseException:
            self._leave(waiter, wanted_result=False)
            raise
        self._waiter_ran(wanted_result=False)

    def _queue_up(self, *, wants_result: bool) -> Waiter:
        """Begin to wait: the caller awaits the waiter at once, and calls `_leave` if that raises."""
        if (runner := self._runner) is not None and runner.task is current_task():
            raise RuntimeError(f"item {self._item!r} waits for itself; it would never be done")
        waiter = self._owner.lot.enqueue()
        if self._outcome is None:
            self._outcome = {}
        self._outcome[waiter] = wants_result
        return waiter

    def _leave(self, waiter: Waiter, *, wanted_result: bool) -> None:
        self._owner.lot.abort(waiter, _nothing)
        if self.done:
            self._waiter_ran(wanted_result=wanted_result)
        else:
            del self._outcome[waiter]

    def _waiter_ran(self, *, wanted_result: bool) -> None:
        if self._stage is FAILED:
            self._owner.waiter_ran()
            if wanted_result:
                self._owner.reader_ran(self)

    def __await__(self) -> Generator[Any, Any, R]:
        return self._result().__await__()

    async def _result(self) -> R:
        if self._stage is not FINISHED:
            has_waited = not self.done
            if has_waited:
                waiter = self._queue_up(wants_result=True)
                try:
                    await waiter
                except BaseException:
                    self._leave(waiter, wanted_result=True)
                    raise
            try:
                if self._stage is not FINISHED:
                    await checkpoint_before_raise()
                return self.return_value
            finally:
                if has_waited and self._stage is FAILED:
                    self._waiter_ran(wanted_result=True)
        if next(self._owner.budget):
            await checkpoint()
        value: R = self._outcome
        return value

    def __repr__(self) -> str:
        return f"<ItemHandle {self.status.value} item={self._item!r}>"


def _nothing(_: None) -> None:
    """Nobody else is owed the wake-up: all tasks that wait for an item are woken."""
