"""The workers of a worker pool: when they are started, woken and stopped, and the loop of each."""

# pyright: reportPrivateUsage=false

import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from itertools import islice, repeat
from operator import length_hint
from typing import Any, Generic, Literal, TypeVar

from anyio import get_cancelled_exc_class

from pynector.concurrency.task import TaskGroup, TaskHandle
from pynector.concurrency.task.lowlevel import (
    OPERATIONS_PER_CHECKPOINT,
    READY,
    ParkingLot,
    checkpoint,
    current_task,
    is_cancelled,
    raise_unchanged,
)

from .._function_name import as_told
from .._own_context import call_in, contents_of
from .handle import HandleOwner, ItemHandle, ItemStatus
from .outcomes import OnError, Outcomes, is_refusal_by_cancelled_pool, split_cancellation
from .queue import ItemQueue
from .statistics import WorkerPoolStatistics

T = TypeVar("T")
R = TypeVar("R")

FINISHED, CANCELLED = ItemStatus.FINISHED, ItemStatus.CANCELLED

MANY = sys.maxsize
"""More items than a worker will ever begin."""


class Workers(Generic[T, R]):
    """Workers, started when there is work for one more, idle ones first; all stop when the pool closes.

    Invariant: while items are queued, and a worker is idle or could be started, one is on its way. When it
    comes and finds more than it can take, it wakes the next. So items that never wait are processed by one
    worker, and the others are not woken for nothing.

    Invariant: not all workers wait for room in the queue, which they make, or one more could be started. So
    the last is refused, and one that is too many stays while all others wait.

    Attributes:
        size: How many workers there may be.
        state: Whether the pool was opened, and closed.
        check_loop: Makes sure that this is the event loop in which the pool was opened.
        may_wake: Whether `wake` is worth a try: not while a worker is on its way, nor while all are busy.
        has_ended: Whether all workers have stopped, and none will come.
        owner: What the items' handles share.
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
        self.may_wake: bool = True
        self.func = func
        self.queue = queue
        self.outcomes: Outcomes[T] = Outcomes(on_error, self._new_lot("WorkerPool.stop"), cancel=self.cancel)
        self.owner: HandleOwner = HandleOwner(
            self._new_lot("an item of a worker pool"),
            cancel=self.cancel_item,
            error_read=self.outcomes.error_read,
            waiter_ran=self.outcomes.waiter_ran,
            reader_ran=self.outcomes.reader_ran,
        )
        self.check_loop: Callable[[str], None] = queue.room.check_loop
        self._work: ParkingLot[None] = self._new_lot("WorkerPool")
        self._all_idle: ParkingLot[None] = self._new_lot("WorkerPool.join")
        self._end: ParkingLot[None] = self._new_lot("WorkerPool.stop")
        self._workers: dict[Worker[T, R], None] = {}  # a set in the order of starting
        self._idle: set[Worker[T, R]] = set()
        self._tasks: set[object] = set()  # those of workers that have begun to run
        self._one_is_coming = False
        self._begun_by_gone = 0  # how many items were begun by workers that have stopped
        self._group: TaskGroup | None = None
        self._context = Context()

    @property
    def is_open(self) -> bool:
        """Whether new items are accepted."""
        return self.state == "running"

    @property
    def running_count(self) -> int:
        """How many items are being processed."""
        return sum(worker.is_working for worker in self._workers)

    @property
    def is_idle(self) -> bool:
        """Whether no item is queued or running."""
        return not len(self.queue) and len(self._idle) == len(self._workers)

    @property
    def waiting_for_room(self) -> int:
        """How many of the workers wait for room in the queue."""
        return len(self._tasks.intersection(self.queue.room.tasks()))

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
            finished=begun - running - outcomes.failed - outcomes.cut_short,
            failed=outcomes.failed,
            cancelled=outcomes.cancelled,
        )

    # What happens to all of them.

    def open(self, context: Context) -> None:
        """Accept items from now on; workers run in copies of *context*.

        Raises:
            RuntimeError: the pool was opened before.
        """
        if self.state != "new":
            raise RuntimeError(f"worker pool is {self.state}; a pool is started once")
        self.queue.room.bind()
        self._context = context
        self.state = "running"
        self.queue.open()

    def start_in(self, group: TaskGroup) -> None:
        """Start workers in *group* from now on."""
        self._group = group
        self.wake()

    def close(self) -> None:
        """Accept no more items; the workers stop when all that are queued are done."""
        self.check_loop("closing")
        self.state = "stopped"
        self.queue.close(self.outcomes.refusal)
        self._work.unpark_all(None)
        self._end_if_empty()

    def cancel(self) -> None:
        """Accept no more items, and cancel those that are queued or running."""
        self.check_loop("closing")
        self.outcomes.pool_is_cancelled = True
        for handle in self.queue.clear():
            self.outcomes.item_cancelled(handle, alone=False)
        for worker in list(self._workers):
            worker.cancel()
        self.close()

    def cancel_item(self, handle: ItemHandle[T, R]) -> None:
        """Cancel one item, unless it is done."""
        self.check_loop("cancelling an item")
        if (worker := handle._runner) is not None:
            assert isinstance(worker, Worker)
            worker.drops_item = True
            worker.cancel()
        elif not handle.done:
            self.outcomes.item_cancelled(handle, alone=True)
            self.queue.count_cancelled()
            self._wake_if_all_idle()

    def resize(self, size: int) -> None:
        """Let there be *size* workers; idle ones stop at once, others when they are through with an item.

        Which ones is decided only then, when it is known which of them wait for room in the queue.
        """
        self.check_loop("resize()")
        self.size = size
        if len(self._workers) > size:
            for worker in self._workers:
                worker.must_ask = True
        self._work.unpark_all(None)
        self.may_wake = True
        self.wake()

    def group_ended(self) -> None:
        """Take notice that there are no workers any more, nor will there be."""
        for worker in list(self._workers):
            self._forget(worker)
        self._group = None
        self.cancel()
        self._wake_if_all_idle()

    async def wait_until_ended(self) -> None:
        """Wait until all workers have stopped."""
        if not self.has_ended:
            await self._end.park(_ignore)

    async def wait_until_idle(self) -> None:
        """Wait until no item is queued or running."""
        if not self.is_idle:
            await self._all_idle.park(_ignore)

    def refuse_item(self, what: str) -> None:
        """Make sure that the running task, which calls *what*, is no worker.

        Raises:
            RuntimeError: it is one, and would wait for itself.
        """
        if current_task() in self._tasks:
            raise RuntimeError(f"worker pool: {what} called by one of its items; it would wait for itself")

    def refuse_last(self) -> None:
        """Make sure that the running task may wait for room, as other workers do.

        Raises:
            RuntimeError: with it all workers would wait, and none make room.
        """
        limit = max(self.size, len(self._workers))  # more than *size* until those too many have stopped
        if current_task() in self._tasks and self.waiting_for_room + 1 >= limit:
            raise RuntimeError(
                "worker pool: all workers would wait for room in the queue, which only they make;"
                " use submit_nowait(), or a larger max_queue"
            )

    # One of them comes and goes.

    def wake(self) -> None:
        """Wake or start a worker, if there is something to do for one more."""
        if not (self.may_wake and self.queue.line and self._group is not None):
            return
        self.may_wake = False
        if self._work.unpark(None) is not None:
            self._one_is_coming = True
        elif len(self._workers) < self.size or self.waiting_for_room == len(self._workers):
            self._one_is_coming = True
            worker = Worker(self)
            worker.must_ask = len(self._workers) >= self.size
            self._workers[worker] = None
            worker.hold(self._group.create_task(worker.run(), name="worker", context=self._context.copy()))

    def add_task(self, task: object) -> None:
        """Note the task of a worker, which has begun to run."""
        self._tasks.add(task)

    def has_come(self, worker: "Worker[T, R]") -> None:
        """Note that a worker that was started or woken looks for work now."""
        self._idle.discard(worker)
        self._one_is_coming = False
        self.may_wake = True
        if len(self.queue.line) > 1:
            self.wake()

    def wait_for_work(self, worker: "Worker[T, R]") -> Coroutine[Any, Any, None]:
        """Wait until there may be something to do; `has_come` is to be called then."""
        self._idle.add(worker)
        self.may_wake = not self._one_is_coming
        if len(self._idle) == len(self._workers):
            self._all_idle.unpark_all(None)
        return self._work.park(self._pass_on)

    def must_stop(self, worker: "Worker[T, R]") -> bool:
        """Whether *worker*, which is through with its item, is one too many."""
        worker.must_ask = len(self._workers) > self.size
        return worker.must_ask and self.waiting_for_room < len(self._workers) - 1

    def has_stopped(self, worker: "Worker[T, R]") -> None:
        """Note that a worker is about to end."""
        self._forget(worker)
        self._tasks.discard(worker.task)
        self.may_wake = True
        self.wake()
        self._wake_if_all_idle()
        self._end_if_empty()

    def _forget(self, worker: "Worker[T, R]") -> None:
        if worker in self._workers:
            del self._workers[worker]
            self._begun_by_gone += worker.begun
        self._idle.discard(worker)

    def _pass_on(self, _: None) -> None:
        self._one_is_coming = False
        self.may_wake = True
        self.wake()

    def _wake_if_all_idle(self) -> None:
        if self.is_idle:
            self._all_idle.unpark_all(None)

    def _end_if_empty(self) -> None:
        if not (self.is_open or self._workers or len(self.queue) or self.has_ended):
            self.has_ended = True
            self._end.unpark_all(None)

    def _new_lot(self, waits_for: str) -> ParkingLot[None]:
        """Make a lot that belongs to the event loop in which the pool was opened, or will be."""
        return ParkingLot(waits_for, same_loop_as=self.queue.room)


class Worker(Generic[T, R]):
    """A task that processes one item after another, until it is to stop.

    Attributes:
        task: The task, once it runs.
        must_ask: Whether it asks, as soon as it is through with its item, if it is to stop.
        drops_item: Whether the item that it runs was cancelled alone, apart from the pool.
        last: The item that it runs, or has run last.
    """

    __slots__ = (
        "_handle",
        "_is_cancelled",
        "_skipped",
        "_turns",
        "_workers",
        "drops_item",
        "last",
        "must_ask",
        "task",
    )

    def __init__(self, workers: Workers[T, R]) -> None:
        self.task: object = None
        self.must_ask: bool = False
        self.drops_item: bool = False
        self.last: ItemHandle[T, R] | None = None
        self._workers = workers
        self._is_cancelled = False
        self._turns = repeat(None, MANY)
        self._skipped = 0  # turns in which it took an item that was cancelled
        self._handle: TaskHandle[None] | None = None

    @property
    def is_working(self) -> bool:
        """Whether it runs an item."""
        return self.last is not None and self.last._stage is self

    @property
    def begun(self) -> int:
        """How many items it has begun, the one that it runs included."""
        # From what counts the turns anyway: to count took 5 %.
        return MANY - length_hint(self._turns) - self._skipped

    def hold(self, handle: TaskHandle[None]) -> None:
        """Keep the handle of its task; an eager one runs already, and may be cancelled already."""
        self._handle = handle
        if self._is_cancelled:
            handle.cancel()

    def cancel(self) -> None:
        """Cancel the task, and with it the item that it runs."""
        self.must_ask = self._is_cancelled = True
        if self._handle is not None:
            self._handle.cancel()

    async def run(self) -> None:
        """Process items until there are no more.

        One long loop: what is called or looked up for each item is a good part of what a short one costs.
        """
        self.task = current_task()
        self._workers.add_task(self.task)
        workers, queue, turns = self._workers, self._workers.queue, self._turns
        func, line, take, room, wake = (
            workers.func,
            queue.line,
            queue.line.popleft,
            queue.room,
            workers.owner.wake,
        )
        awaitable: Any = READY
        handle: Any
        context: Any
        workers.has_come(self)
        try:
            while True:
                while not line:
                    if not workers.is_open or (self.must_ask and self._must_stop()):
                        return
                    await workers.wait_for_work(self)
                    workers.has_come(self)
                if self.must_ask:
                    if self._must_stop():
                        return
                    await checkpoint()  # it asks after each item, and so never comes to the one below
                    if not line:
                        continue
                for _ in islice(turns, OPERATIONS_PER_CHECKPOINT):
                    handle = take()
                    context = handle._stage
                    if context is CANCELLED:
                        queue.skip_cancelled()
                        self._skipped += 1
                        if line:
                            continue
                        break
                    if room.queue:
                        queue.admit()
                    handle._stage = self
                    self.last = handle
                    wanted, current = contents_of(context, copy_context())
                    try:
                        if wanted is current:
                            awaitable = func(handle._item)
                            value = await awaitable
                        else:
                            value = await call_in(context, func, handle._item, "worker_func")
                    except Exception as error:
                        error = as_told(error, "worker_func", func, awaitable)
                        self._fail(handle, error, None if wanted is current else context)
                        handle = self.last = None  # nobody reads the error if nobody else has the handle
                    except BaseException as error:
                        self._interrupt(handle, error, None if wanted is current else context)
                        handle = self.last = None
                    else:
                        handle._stage = FINISHED
                        waiters, handle._outcome = handle._outcome, value
                        if waiters is not None:
                            wake(waiters)
                    if self.must_ask or not line:
                        break
                else:
                    await checkpoint()
        except get_cancelled_exc_class():
            if not self._is_cancelled:
                workers.cancel()  # it is the group that is cancelled, and with it all workers
            raise
        finally:
            workers.has_stopped(self)

    def _must_stop(self) -> bool:
        return self._is_cancelled or self._workers.must_stop(self)

    def _fail(self, handle: ItemHandle[T, R], error: Exception, context: Context | None) -> None:
        outcomes = self._workers.outcomes
        if is_refusal_by_cancelled_pool(error) and is_cancelled():
            outcomes.item_cancelled(handle, alone=self.drops_item)
        else:
            outcomes.item_failed(handle, error, context)

    def _interrupt(self, handle: ItemHandle[T, R], error: BaseException, context: Context | None) -> None:
        cancellation, rest = split_cancellation(error)
        if rest is None:
            self._workers.outcomes.item_cancelled(handle, alone=self.drops_item)
        elif isinstance(rest, Exception):
            self._fail(handle, rest, context)
        else:
            self._workers.outcomes.item_raised(handle, error)
            raise error
        if cancellation is not None and is_cancelled():
            raise_unchanged(cancellation)


def _ignore(_: None) -> None:
    """Nobody else is owed the wake-up: all are woken."""
