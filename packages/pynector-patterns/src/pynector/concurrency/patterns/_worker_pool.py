"""The worker pool."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextvars import copy_context
from types import TracebackType
from typing import Generic, Self, TypeVar

from anyio import BrokenResourceError, ClosedResourceError, WouldBlock

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.task.lowlevel import (
    check_callable,
    check_int,
    check_seconds,
    checkpoint,
    current_task,
    thread_budget,
)

from ._workers.backlog import Backlog
from ._workers.crew import Crew
from ._workers.error_policy import OnError
from ._workers.item_handle import ItemHandle
from ._workers.item_map import map_items
from ._workers.owner import Owner
from ._workers.statistics import WorkerPoolStatistics

T = TypeVar("T")
R = TypeVar("R")


class WorkerPool(Generic[T, R]):
    """A fixed number of workers taking items from one queue, in order of arrival.

    Each item is passed to *worker_func*. `submit` gives a handle, which can be awaited for the result.

    States:
        | | new | running | stopped |
        | --- | --- | --- | --- |
        | `start`, `async with` | starts | RuntimeError | RuntimeError |
        | `submit`, `submit_nowait`, `map` | RuntimeError | queues the item | anyio.ClosedResourceError |
        | `stop` | nothing to do | finishes what is queued | nothing to do |

    Use it with `async with` where you can: leaving the block finishes what is queued, or, if an exception
    leaves it, cancels it; and the items are inside the cancel scopes around the block. `start` and `stop` may
    be called from different tasks; the items then run outside all scopes.

    A failing item never stops a worker. Its error is raised by awaiting its handle, and if nobody has done so
    when the pool stops, then by stopping it. Each item runs in its own copy of its submitter's context,
    though items share tasks. Items that never wait let other tasks run after 64 of them at the latest.

    Args:
        num_workers: How many items are worked on at a time, at least one. A worker's task is started when
            there is work for it.
        worker_func: An async function, called with each item.
        max_queue: How many items may wait for a worker before `submit` waits; `None` is no limit.
        priorities: Whether `submit` takes a priority.
        on_error: What is done about an item that fails. `"report"`: see above; errors nobody asks for are
            kept until the pool stops. `"cancel"`: that, and the pool is cancelled. A function: it is called
            with item and error, and stopping raises none.

    Raises:
        TypeError: *worker_func* or *on_error* cannot be called, a number is none.
        ValueError: a number is too small, *on_error* is another word.

    Example:
        ```python
        import anyio
        from pynector.concurrency.patterns import WorkerPool

        async def resize(picture: str) -> str:
            await anyio.sleep(0.01)
            return f"small {picture}"

        async with WorkerPool(num_workers=2, worker_func=resize) as pool:
            handle = await pool.submit("cat.png")
            print(await handle)
            #> small cat.png
        ```
    """

    def __init__(
        self,
        num_workers: int,
        worker_func: Callable[[T], Awaitable[R]],
        *,
        max_queue: int | None = 1000,
        priorities: bool = False,
        on_error: OnError[T] = "report",
    ) -> None:
        check_int("num_workers", num_workers, minimum=1)
        check_callable("worker_func", worker_func)
        if max_queue is not None:
            check_int("max_queue", max_queue, minimum=1)
        self._backlog: Backlog[ItemHandle[T, R]] = Backlog(max_queue, by_priority=priorities)
        self._line = self._backlog.line
        self._budget = thread_budget()
        self._crew = Crew(worker_func, num_workers, self._backlog, on_error)
        self._priorities = priorities
        self._group: TaskGroup | None = None
        self._owner: Owner | None = None
        self._is_new = True

    @property
    def unprocessed(self) -> list[T]:
        """The items that were cancelled with the pool before they were done, running ones first."""
        return self._crew.ledger.unprocessed

    async def __aenter__(self) -> Self:
        self._open()
        self._group = create_task_group()
        await self._group.__aenter__()
        self._crew.move_in(self._group)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._group is not None
        if exc is None:
            self._crew.close()
        else:
            self._crew.cancel()
        try:
            swallowed = await self._group.__aexit__(exc_type, exc, tb)
        finally:
            self._crew.abandon()
        if (exc is None or swallowed) and self._group.cancel_scope.cancel_called:
            raise BrokenResourceError("worker pool: one of its tasks was cancelled from outside")
        if exc is None:
            self._crew.policy.raise_errors()
        else:
            self._crew.policy.note_errors(exc)

    async def start(self) -> None:
        """Start the pool; `stop` must be called for it later, by any task.

        Raises:
            RuntimeError: it was started before.
        """
        await checkpoint()
        self._open()
        self._owner = Owner(self._crew)

    async def stop(self, grace: float | None = None) -> list[T]:
        """Take no more items, finish those that are queued, and end.

        If cancelled, the pool goes on finishing, and `stop` may be called again.

        Args:
            grace: Seconds after which what is not finished is cancelled; `None` is no limit. An item that
                does not let itself be cancelled is waited for.

        Returns:
            What was not done, item by item. `unprocessed` has it, too.

        Raises:
            ExceptionGroup: items failed whose handles nobody has awaited. They are raised once.
            RuntimeError: an item of this pool calls it, and would wait for itself.
        """
        if grace is not None:
            check_seconds("grace", grace, minimum=0)
        self._refuse_worker("stop()")
        await checkpoint()
        if self._is_new:
            return []
        self._crew.close()
        with move_on_after(grace):
            await self._wait_for_end()
        if not self._crew.has_ended:
            self._crew.cancel()
        await self._wait_for_end()
        if self._owner is not None and self._owner.error is not None:
            raise self._owner.error
        self._crew.policy.raise_errors()
        return self.unprocessed

    async def submit(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Queue *item*, waiting while the queue is full, and give its handle.

        If it need not wait, this is no checkpoint, but for every 64th operation of the kind. If cancelled,
        the item has not been taken, and will not be processed.

        Args:
            item: Any object.
            priority: The lowest is worked on first, as in `queue.PriorityQueue`; by default 0. Only in a pool
                made with `priorities=True`.

        Raises:
            RuntimeError: the pool was not started; or all its workers would wait for room, which they make;
                or it runs in another thread.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        if priority is not None:
            self._check_priority(priority)
        budget = self._budget
        budget.left -= 1
        if budget.left <= 0:
            budget.renew()
            await checkpoint()
        if len(self._line) >= self._backlog.capacity:
            await self._wait_for_room()
        handle: ItemHandle[T, R] = ItemHandle(self._crew, item, copy_context())
        if priority is not None:
            handle.priority = priority
        if self._crew.may_call:
            self._crew.put(handle)
        else:
            self._line.append(handle)
        return handle

    def submit_nowait(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Queue *item*, and give its handle.

        Raises:
            anyio.WouldBlock: the queue is full.
            RuntimeError: the pool was not started; or it runs in another thread.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        if priority is not None:
            self._check_priority(priority)
        if len(self._line) >= self._backlog.capacity:
            self._check_open()
            raise WouldBlock
        handle: ItemHandle[T, R] = ItemHandle(self._crew, item, copy_context())
        if priority is not None:
            handle.priority = priority
        self._crew.put(handle)
        return handle

    async def _wait_for_room(self) -> None:
        self._check_open()
        with self._crew.member_that_waits(current_task()):
            await self._backlog.wait_for_room()
        self._backlog.keep_promise()
        self._check_open()

    async def join(self) -> None:
        """Wait until no item is queued or running.

        Raises:
            RuntimeError: an item of this pool calls it, and would wait for itself.
        """
        self._refuse_worker("join()")
        await checkpoint()
        await self._crew.wait_for_quiet()

    async def map(self, items: Iterable[T] | AsyncIterable[T]) -> list[R]:
        """Submit all *items*, and give their results, in order.

        The first item in order that fails cancels the others of this call, and its error is raised. If
        cancelled, all items of this call are cancelled, and have ended when this returns.

        Raises:
            RuntimeError: the pool was not started.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        return await map_items(self.submit, items)

    def resize(self, num_workers: int) -> None:
        """Let *num_workers* items be worked on at a time; workers too many leave when their item is done."""
        check_int("num_workers", num_workers, minimum=1)
        self._crew.resize(num_workers)

    def statistics(self) -> WorkerPoolStatistics:
        """Tell how many workers, items and waiting submitters there are."""
        crew, ledger = self._crew, self._crew.ledger
        return WorkerPoolStatistics(
            num_workers=crew.size,
            workers=crew.worker_count,
            running=crew.running_count,
            queued=len(self._backlog.line),
            waiting=len(self._backlog.room),
            finished=ledger.finished,
            failed=ledger.failed,
            cancelled=ledger.cancelled,
        )

    def __repr__(self) -> str:
        state = "new" if self._is_new else "running" if self._crew.is_open else "stopped"
        return f"<WorkerPool {state}, {self._crew.running_count} running, {len(self._backlog.line)} queued>"

    def _open(self) -> None:
        if not self._is_new:
            state = "running" if self._crew.is_open else "stopped"
            raise RuntimeError(f"worker pool is {state}; a pool is started once")
        self._is_new = False
        self._crew.open(copy_context())

    def _check_open(self) -> None:
        if self._crew.is_open:
            return
        if self._is_new:
            raise RuntimeError("worker pool is not started; use it with 'async with', or call start() first")
        raise ClosedResourceError(
            "worker pool is stopped; it takes no more items"
        ) from self._crew.policy.cause

    def _check_priority(self, priority: float) -> None:
        if not self._priorities:
            raise ValueError("priority needs a pool made with priorities=True")
        if priority != priority:
            raise ValueError("priority must be a number, not NaN")

    def _refuse_worker(self, what: str) -> None:
        if current_task() in self._crew.tasks:
            raise RuntimeError(f"worker pool: {what} called by one of its items; it would wait for itself")

    async def _wait_for_end(self) -> None:
        await (self._crew.wait_for_end() if self._owner is None else self._owner.wait())
