"""The worker pool."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextvars import copy_context
from types import TracebackType
from typing import Generic, Self, TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import (
    check_callable,
    check_int,
    check_seconds,
    checkpoint,
    operation_budget,
)

from ._workers.handle import ItemHandle
from ._workers.lifetime import BlockLifetime, OwnerLifetime
from ._workers.map import map_items
from ._workers.outcomes import OnError, WorkerPoolStatistics
from ._workers.queue import ItemQueue, SubmitChecks
from ._workers.workers import Workers

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
        | `join` | nothing to do | waits for what is queued | waits for what is left |
        | `stop` | nothing to do | finishes what is queued | nothing to do |

    It is stopped as soon as `stop` is called, or the block left: what is queued is finished then.
    Use it with `async with` where you can: leaving the block finishes what is queued, or, if an exception
    leaves it, cancels it; and the items are inside the cancel scopes around the block. `start` and `stop` may
    be called from different tasks; the items then run outside all scopes.

    A failing item never stops a worker. Its error is raised by awaiting its handle, and if nobody has done so
    when the pool stops, then by stopping it; if the block is cancelled, it is logged. Each item runs in its
    own copy of its submitter's context, though items share tasks. Those that never wait let other tasks run
    after 64 of them at the latest.

    Args:
        num_workers: How many items are worked on at a time, at least one. A worker's task is started when
            there is work for it.
        worker_func: An async function, called with each item.
        max_queue: How many items may wait for a worker before `submit` waits; `None` is no limit.
        priorities: Whether `submit` takes a priority.
        on_error: What is done about an item that fails. `"report"`: see above; errors nobody asks for are
            kept until the pool stops. `"cancel"`: that, and the pool is cancelled. A function: it is called
            with item and error in the item's context, and stopping raises none.

    Raises:
        TypeError: *worker_func* or *on_error* cannot be called, or a number has the wrong type.
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
        self._queue: ItemQueue[ItemHandle[T, R]] = ItemQueue(max_queue, by_priority=priorities)
        self._line = self._queue.line
        self._budget = operation_budget()
        self._workers = Workers(worker_func, num_workers, self._queue, on_error)
        self._submit_checks = SubmitChecks(self._workers, takes_priorities=priorities)
        self._frame: BlockLifetime | OwnerLifetime | None = None

    @property
    def unprocessed(self) -> list[T]:
        """The items that were cancelled with the pool before they were done, running ones first."""
        return self._workers.outcomes.unprocessed

    async def __aenter__(self) -> Self:
        self._workers.open(copy_context())
        self._frame = block = BlockLifetime(self._workers)
        await block.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert isinstance(self._frame, BlockLifetime)
        await self._frame.leave(exc_type, exc, tb)

    async def start(self) -> None:
        """Start the pool; `stop` must be called for it later, by any task.

        A checkpoint. If cancelled, it is not started.

        Raises:
            RuntimeError: it was started before.
        """
        await checkpoint()
        self._workers.open(copy_context())
        self._frame = OwnerLifetime(self._workers)

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
        self._workers.self_wait.refuse("stop()")
        await checkpoint()
        frame = self._frame
        if frame is None:
            return []
        self._workers.close()
        with move_on_after(grace):
            await frame.wait()
        if not self._workers.has_ended:
            self._workers.cancel()
        await frame.wait()
        if frame.error is not None:
            raise frame.error
        await self._workers.policy.raise_errors()
        return self.unprocessed

    async def submit(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Queue *item*, waiting while the queue is full, and give its handle.

        If it need not wait, this is no checkpoint, except for every 64th operation of the kind. If cancelled,
        the item has not been taken, and will not be processed.

        Args:
            item: Any object.
            priority: The lowest is worked on first, as in `queue.PriorityQueue`; by default 0. Only in a pool
                made with `priorities=True`.

        Raises:
            TypeError: *priority* is no number.
            RuntimeError: the pool was not started, or in another event loop or thread; or all its workers
                would wait for room, which they make.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        if priority is not None:
            self._submit_checks.check_priority(priority)
        if next(self._budget):
            await checkpoint()
        if len(self._line) >= self._queue.capacity:
            await self._submit_checks.wait_for_room()
        workers, room = self._workers, self._queue.room
        try:
            at_home = room.current_loop() is room.home  # what `check_home` asks, without the call
        except RuntimeError:
            at_home = False
        if not at_home:
            room.check_home("submitting an item")
        handle: ItemHandle[T, R] = ItemHandle()
        handle._workers, handle._item, handle._outcome = workers, item, None
        handle._stage = copy_context()
        if priority is not None:
            handle.priority = priority
        self._line.append(handle)
        if workers.may_wake:
            workers.call()
        return handle

    def submit_nowait(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Do what `submit` does, without waiting.

        Raises:
            anyio.WouldBlock: the queue is full.
        """
        return self._submit_checks.put(item, priority)

    async def join(self) -> None:
        """Wait until no item is queued or running. A checkpoint. If cancelled, the items go on.

        Raises:
            RuntimeError: an item of this pool calls it, and would wait for itself.
        """
        self._workers.self_wait.refuse("join()")
        await checkpoint()
        await self._workers.wait_for_quiet()

    async def map(self, items: Iterable[T] | AsyncIterable[T]) -> list[R]:
        """Submit all *items*, and give their results, in order.

        The first item in order that fails cancels the others of this call, and its error is raised. If
        cancelled, all items of this call are cancelled, and have ended when this returns.

        Raises:
            RuntimeError: the pool was not started.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        await checkpoint()
        await self._submit_checks.pass_gate()
        return await map_items(self.submit, items)

    def resize(self, num_workers: int) -> None:
        """Let *num_workers* items be worked on at a time; workers too many leave when their item is done.

        One of them stays while all others wait for room in the queue, which nobody else would make.
        """
        self._workers.resize(check_int("num_workers", num_workers, minimum=1))

    def statistics(self) -> WorkerPoolStatistics:
        """Return how many workers, items and waiting submitters there are."""
        return self._workers.statistics()

    def __repr__(self) -> str:
        state, running = self._workers.state, self._workers.running_count
        return f"<WorkerPool {state}, {running} running, {len(self._queue)} queued>"
