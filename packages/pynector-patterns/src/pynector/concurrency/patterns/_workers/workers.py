"""The workers of a worker pool."""

# pyright: reportPrivateUsage=false

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextvars import Context
from typing import Any, Generic, Literal, TypeVar

from pynector.concurrency.task import TaskGroup
from pynector.concurrency.task.lowlevel import ParkingLot, Ticket, current_task, operation_budget

from .handle import ItemHandle
from .outcomes import ErrorPolicy, OnError, Outcomes, WorkerPoolStatistics
from .queue import ItemQueue, Line
from .worker import Worker

T = TypeVar("T")
R = TypeVar("R")


class Workers(Generic[T, R]):
    """Workers, hired when there is work for one more, idle ones first; all leave when the pool closes.

    Invariant: while items are queued, and a worker is idle or could be hired, one is on its way. When it
    arrives and finds more than it can take, it calls the next. So items that never wait are worked off by one
    worker, and the others are not woken for nothing.

    Invariant: not all workers wait for room among the items, which they make, or one more could be hired. So
    the last is refused (`SelfWaitGuard`), and one that is too many stays while all others wait.

    Attributes:
        size: How many workers there may be.
        state: Whether it was opened, and closed.
        check_home: Makes sure that this is the event loop in which it was opened.
        items: Where tasks wait for items, each for one of them.
        may_wake: Whether `call` is worth a try: not while a worker is on its way, nor while all are busy.
        self_wait: The workers' tasks, those that have begun to run.
        has_ended: Whether all workers have left, and none will come.
    """

    def __init__(
        self,
        func: Callable[[T], Awaitable[R]],
        size: int,
        queue: ItemQueue[ItemHandle[T, R]],
        on_error: OnError[T],
    ) -> None:
        self.size: int = size
        self.state: Literal["new", "running", "stopped"] = "new"
        self.has_ended: bool = False
        self.func = func
        self.queue = queue
        self.line: Line[ItemHandle[T, R]] = queue.line
        self.outcomes: Outcomes[T] = Outcomes(self._new_lot("WorkerPool.stop"))
        self.policy: ErrorPolicy[T] = ErrorPolicy(on_error, self.outcomes, self.cancel)
        self.budget: Iterator[bool] = operation_budget()
        self.check_home: Callable[[str], None] = queue.room.check_home
        self._work: ParkingLot[None] = self._new_lot("WorkerPool")
        self._quiet: ParkingLot[None] = self._new_lot("WorkerPool.join")
        self._end: ParkingLot[None] = self._new_lot("WorkerPool.stop")
        self.items: ParkingLot[None] = self._new_lot("an item of a worker pool")
        self._workers: dict[Worker[T, R], None] = {}  # a set whose order is that of hiring
        self._idle: set[Worker[T, R]] = set()
        self.may_wake: bool = True
        self._is_called = False  # whether a worker is on its way
        self._begun_by_gone = 0  # how many items were begun by workers that have left
        self.self_wait: SelfWaitGuard = SelfWaitGuard(queue.room)
        self._group: TaskGroup | None = None
        self._context = Context()

    @property
    def is_open(self) -> bool:
        """Whether new items are taken."""
        return self.state == "running"

    @property
    def limit(self) -> int:
        """How many workers there are or may be: more than *size*, until those too many have left."""
        return max(self.size, len(self._workers))

    @property
    def running_count(self) -> int:
        """How many items are being worked on."""
        return sum(worker.is_working for worker in self._workers)

    @property
    def is_idle(self) -> bool:
        """Whether no item is queued or running."""
        return not self.line and len(self._idle) == len(self._workers)

    def statistics(self) -> WorkerPoolStatistics:
        """Return how many workers, items and waiting submitters there are."""
        outcomes, running = self.outcomes, self.running_count
        begun = self._begun_by_gone + sum(worker.begun for worker in self._workers)
        return WorkerPoolStatistics(
            num_workers=self.size,
            workers=len(self._workers),
            running=running,
            queued=len(self.queue),
            waiting=len(self.queue.room),
            finished=begun - self.queue.skipped - running - outcomes.failed - outcomes.cut_short,
            failed=outcomes.failed,
            cancelled=outcomes.cancelled,
        )

    def open(self, context: Context) -> None:
        """Take items from now on; workers run in copies of *context*.

        Raises:
            RuntimeError: it was opened before.
        """
        if self.state != "new":
            raise RuntimeError(f"worker pool is {self.state}; a pool is started once")
        self.queue.room.move_in()
        self._context = context
        self.state = "running"
        self.queue.open()

    def move_in(self, group: TaskGroup) -> None:
        """Start workers in *group* from now on."""
        self._group = group
        self.call()

    def _new_lot(self, waits_for: str) -> ParkingLot[None]:
        """Make a lot that belongs to the event loop in which the workers was opened, or will be."""
        return ParkingLot(waits_for, beside=self.queue.room)

    def wake(self, waiters: Iterable[Ticket]) -> None:
        """An item is done: wake those who wait for it."""
        for ticket in waiters:
            self.items.wake(ticket, None)

    def put(self, handle: ItemHandle[T, R]) -> ItemHandle[T, R]:
        """Queue an item, see to it that it is worked on, and give its handle.

        Raises:
            RuntimeError: this is not the event loop of the workers, or not their thread; the item is not in.
        """
        self.check_home("submitting an item")
        self.line.append(handle)
        if self.may_wake:
            self.call()
        return handle

    def close(self) -> None:
        """Take no more items; the workers leave when all that are queued are done."""
        self.check_home("closing")
        self.state = "stopped"
        self.queue.close(self.policy.refusal)
        self._work.unpark_all(None)
        self._end_if_empty()

    def cancel(self) -> None:
        """Take no more items, and give up those that are queued or running."""
        self.check_home("closing")
        for handle in self.queue.clear():
            self.outcomes.enter_cancellation(handle, wanted=False)
        for worker in list(self._workers):
            worker.cancel()
        self.close()

    def cancel_item(self, handle: ItemHandle[T, R]) -> None:
        """Cancel one item, unless it is done."""
        self.check_home("cancelling an item")
        if (worker := handle._worker) is not None:
            worker.has_dropped_item = True
            worker.cancel()
        elif not handle.done:
            self.outcomes.enter_cancellation(handle, wanted=True)
            self.queue.drop()
            self._tell_if_quiet()

    def resize(self, size: int) -> None:
        """Let there be *size* workers; idle ones leave at once, others when they are through with an item.

        Which ones is decided only then, when it is known which of them wait for room among the items.
        """
        self.check_home("resize()")
        self.size = size
        if len(self._workers) > size:
            for worker in self._workers:
                worker.must_ask = True
        self._work.unpark_all(None)
        self.may_wake = True
        self.call()

    def dismisses(self, worker: Worker[T, R]) -> bool:
        """Return whether *worker*, which is through with its item, is to leave."""
        worker.must_ask = len(self._workers) > self.size
        return worker.must_ask and self.self_wait.waiting < len(self._workers) - 1

    def abandon(self) -> None:
        """The group has ended: there are no workers any more, nor will there be."""
        for worker in list(self._workers):
            self._forget(worker)
        self._group = None
        self.cancel()
        self._tell_if_quiet()

    def call(self) -> None:
        """See to it that a worker comes, if there is something to do for one more, and one to do it."""
        if not (self.may_wake and self.line and self._group is not None):
            return
        self.may_wake = False
        if self._work.unpark(None) is not None:
            self._is_called = True
        elif len(self._workers) < self.size or self.self_wait.waiting == len(self._workers):
            self._is_called = True
            worker = Worker(self)
            worker.must_ask = len(self._workers) >= self.size
            self._workers[worker] = None
            worker.attach(self._group.create_task(worker.run(), name="worker", context=self._context.copy()))

    def started(self, worker: Worker[T, R]) -> None:
        """A worker that was called has come."""
        self._idle.discard(worker)
        self._is_called = False
        self.may_wake = True
        if len(self.line) > 1:
            self.call()

    async def wait_for_end(self) -> None:
        """Wait until all workers have left."""
        if not self.has_ended:
            await self._end.park(_ignore)

    async def wait_for_quiet(self) -> None:
        """Wait until no item is queued or running."""
        if not self.is_idle:
            await self._quiet.park(_ignore)

    def be_idle(self, worker: Worker[T, R]) -> Coroutine[Any, Any, None]:
        """Wait until there may be something to do; the worker is to `started` then."""
        self._idle.add(worker)
        self.may_wake = not self._is_called
        if len(self._idle) == len(self._workers):
            self._quiet.unpark_all(None)
        return self._work.park(self._lose_call)

    def leave(self, worker: Worker[T, R]) -> None:
        """A worker is about to end."""
        self._forget(worker)
        self.self_wait.discard(worker.task)
        self.may_wake = True
        self.call()
        self._tell_if_quiet()
        self._end_if_empty()

    def _forget(self, worker: Worker[T, R]) -> None:
        if worker in self._workers:
            del self._workers[worker]
            self._begun_by_gone += worker.begun
        self._idle.discard(worker)

    def _lose_call(self, _: None) -> None:
        self._is_called = False
        self.may_wake = True
        self.call()

    def _tell_if_quiet(self) -> None:
        if self.is_idle:
            self._quiet.unpark_all(None)

    def _end_if_empty(self) -> None:
        if not (self.is_open or self._workers or self.line or self.has_ended):
            self.has_ended = True
            self._end.unpark_all(None)


def _ignore(_: None) -> None:
    """Nobody else is owed the wake-up: all are woken."""


class SelfWaitGuard:
    """Keeps the workers' tasks from waiting for what only they can bring about.

    Args:
        room: Where submitters wait for room among the items, which workers make.
    """

    __slots__ = ("_room", "_tasks")

    def __init__(self, room: ParkingLot[Any]) -> None:
        self._room = room
        self._tasks: set[object] = set()

    @property
    def waiting(self) -> int:
        """How many of them wait for room."""
        return len(self._tasks.intersection(self._room.tasks()))

    def add(self, task: object) -> None:
        """The task of a worker has begun."""
        self._tasks.add(task)

    def discard(self, task: object) -> None:
        """The task of a worker is about to end."""
        self._tasks.discard(task)

    def refuse(self, what: str) -> None:
        """Make sure that the running task, which calls *what*, is none of them.

        Raises:
            RuntimeError: it is one, and would wait for itself.
        """
        if current_task() in self._tasks:
            raise RuntimeError(f"worker pool: {what} called by one of its items; it would wait for itself")

    def refuse_the_last(self, workers: int) -> None:
        """Make sure that the running task may wait for room, as others of the *workers* do.

        Raises:
            RuntimeError: with it all *workers* would wait, and none make room.
        """
        if current_task() in self._tasks and self.waiting + 1 >= workers:
            raise RuntimeError(
                "worker pool: all workers would wait for room in the queue, which only they make;"
                " use submit_nowait(), or a larger max_queue"
            )
