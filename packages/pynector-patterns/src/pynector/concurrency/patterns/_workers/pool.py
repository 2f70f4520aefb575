"""The worker pool."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextvars import copy_context
from types import TracebackType
from typing import Generic, Self, TypeVar

from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import (
    check_callable,
    check_int,
    check_seconds,
    checkpoint,
    checkpoint_before_raise,
    operation_budget,
)

from .handle import ItemHandle
from .lifetime import PoolBlock, PoolOwner
from .map import map_items
from .outcomes import OnError
from .queue import ItemQueue
from .statistics import WorkerPoolStatistics
from .workers import Workers

T = TypeVar("T")
R = TypeVar("R")


class WorkerPool(Generic[T, R]):
    """A fixed number of workers that take items from one queue, in order of arrival.

    Each item is passed to *worker_func*. `submit` returns a handle, which can be awaited for the result.

    States:
        | | new | running | stopped |
        | --- | --- | --- | --- |
        | `start`, `async with` | starts | RuntimeError | RuntimeError |
        | `submit`, `submit_nowait`, `map` | RuntimeError | queues the item | anyio.ClosedResourceError |
        | `join` | nothing to do | waits for what is queued | waits for what is left |
        | `stop` | nothing to do | finishes what is queued | nothing to do |

    Calling `stop()` or leaving the block stops the pool: queued items are finished, no new ones accepted. An
    exception that leaves the block cancels them. Use `async with` where you can: the items are then inside
    the cancel scopes around the block. `start` and `stop` may be called from different tasks; the items then
    run outside all scopes.

    A failing item never stops a worker. Its error is raised by awaiting its handle. If nobody awaits the item
    when it fails, the error is logged at once, and if nobody has awaited it by the time the pool stops,
    stopping raises it, also before a cancellation of the block. Stopping raises the first ten; the others are
    counted. Once nobody has the handle any more, the pool lets go of the frames in the error's traceback.

    Each item runs in its own copy of its submitter's context, though items share tasks. Items that never wait
    let other tasks run after 64 of them at the latest.

    Args:
        num_workers: How many items are processed at a time, at least one. A worker's task is started when
            there is work for it.
        worker_func: An async function, called with each item.
        max_queue: How many items may wait for a worker before `submit` waits; `None` is no limit.
        priorities: Whether `submit` takes a priority.
        on_error: What is done about an item that fails. `"report"`: see above. `"log"`: its error is raised
            by awaiting its handle, or else logged; stopping raises none. `"cancel"`: as `"report"`, and the
            pool is cancelled. A function: it is called with item and error in the item's context; nothing is
            logged, and stopping raises only what this function raises.
        grace: Seconds that items have to finish when the pool is stopped, before they are cancelled; `None`
            is no limit.

    Raises:
        TypeError: *worker_func* or *on_error* cannot be called, or an argument that must be a number is not.
        ValueError: a number is too small, or *on_error* is another word.

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
        grace: float | None = None,
    ) -> None:
        check_int("num_workers", num_workers, minimum=1)
        check_callable("worker_func", worker_func)
        if max_queue is not None:
            check_int("max_queue", max_queue, minimum=1)
        if grace is not None:
            check_seconds("grace", grace, minimum=0)
        self._queue: ItemQueue[ItemHandle[T, R]] = ItemQueue(max_queue, by_priority=priorities)
        self._line = self._queue.line
        self._budget = operation_budget()
        self._workers = Workers(worker_func, num_workers, self._queue, on_error)
        self._owner = self._workers.owner
        self._takes_priorities = priorities
        self._grace = grace
        self._lifetime: PoolBlock | PoolOwner | None = None

    @property
    def unprocessed(self) -> list[T]:
        """The items that were cancelled with the pool before they were done, running ones first."""
        return self._workers.outcomes.unprocessed

    async def __aenter__(self) -> Self:
        self._workers.open(copy_context())
        self._lifetime = block = PoolBlock(self._workers, self._grace)
        await block.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert isinstance(self._lifetime, PoolBlock)
        await self._lifetime.leave(exc_type, exc, tb)

    async def start(self) -> None:
        """Start the pool; `stop` must be called for it later, by any task.

        A checkpoint. If cancelled, it is not started.

        Raises:
            RuntimeError: it was started before.
        """
        await checkpoint()
        self._workers.open(copy_context())
        self._lifetime = PoolOwner(self._workers)

    async def stop(self, grace: float | None = None) -> list[T]:
        """Accept no more items, finish those that are queued, and end.

        If cancelled, the pool goes on finishing, and `stop` may be called again.

        Args:
            grace: Seconds after which what is not finished is cancelled; by default what the pool was made
                with. An item that does not let itself be cancelled is waited for.

        Returns:
            The items that were not done. `unprocessed` has them, too.

        Raises:
            ExceptionGroup: items failed whose handles nobody has awaited. They are raised once.
            RuntimeError: an item of this pool calls it, and would wait for itself.
        """
        if grace is not None:
            check_seconds("grace", grace, minimum=0)
        workers, lifetime = self._workers, self._lifetime
        workers.refuse_item("stop()")
        await checkpoint()
        if lifetime is None:
            return []
        workers.close()
        with move_on_after(self._grace if grace is None else grace):
            await lifetime.wait()
        if not workers.has_ended:
            workers.cancel()
        await lifetime.wait()
        if lifetime.error is not None:
            raise lifetime.error
        await workers.outcomes.raise_errors()
        return self.unprocessed

    async def submit(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Queue *item*, waiting while the queue is full, and return its handle.

        If it need not wait, this is no checkpoint, except for every 64th such operation. If cancelled, the
        item has not been accepted, and will not be processed.

        Args:
            item: Any object.
            priority: The lowest is processed first, as in `queue.PriorityQueue`; by default 0. Only in a pool
                made with `priorities=True`.

        Raises:
            TypeError: *priority* is not a number.
            RuntimeError: the pool was not started, or in another event loop or thread; or all its workers
                would wait for room, which they make.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        if priority is not None:
            self._check_priority(priority)
        if next(self._budget):
            await checkpoint()
        if len(self._line) >= self._queue.capacity:
            await self._wait_for_room()
        workers, room = self._workers, self._queue.room
        try:
            same_loop = room.current_loop() is room.loop  # what `check_loop` asks, without the call
        except RuntimeError:
            same_loop = False
        if not same_loop:
            room.check_loop("submitting an item")
        handle: ItemHandle[T, R] = ItemHandle()
        handle._owner, handle._item, handle._outcome = self._owner, item, None
        handle._stage = copy_context()
        if priority is not None:
            handle.priority = priority
        self._line.append(handle)
        if workers.may_wake:
            workers.wake()
        return handle

    def submit_nowait(self, item: T, *, priority: float | None = None) -> ItemHandle[T, R]:
        """Do what `submit` does, without waiting.

        An item that is itself being cancelled need not handle the refusal by a pool that was cancelled: if
        it lets that out, it counts as cancelled, not as failed.

        Raises:
            anyio.WouldBlock: the queue is full.
        """
        if priority is not None:
            self._check_priority(priority)
        if len(self._line) >= self._queue.capacity:
            self._check_open()
            raise WouldBlock("worker pool: no room in the queue")
        workers = self._workers
        workers.check_loop("submitting an item")
        handle: ItemHandle[T, R] = ItemHandle()
        handle._queue(self._owner, item, copy_context(), priority)
        self._line.append(handle)
        if workers.may_wake:
            workers.wake()
        return handle

    async def join(self) -> None:
        """Wait until no item is queued or running. A checkpoint. If cancelled, the items go on.

        Raises:
            RuntimeError: an item of this pool calls it, and would wait for itself.
        """
        self._workers.refuse_item("join()")
        await checkpoint()
        await self._workers.wait_until_idle()

    async def map(self, items: Iterable[T] | AsyncIterable[T]) -> list[R]:
        """Submit all *items*, and return their results, in order.

        The first item in order that fails cancels the others of this call, and its error is raised. If
        cancelled, all items of this call are cancelled, and have ended when this returns. An input that is a
        generator is closed.

        Raises:
            RuntimeError: the pool was not started.
            anyio.ClosedResourceError: it is stopped, or stopping.
        """
        await checkpoint()
        try:
            self._check_open()
        except ClosedResourceError:
            await checkpoint_before_raise()
            raise
        return await map_items(self.submit, items)

    def resize(self, num_workers: int) -> None:
        """Let *num_workers* items be processed at a time; surplus workers stop when their item is done.

        One of them stays while all others wait for room in the queue, which nobody else would make.
        """
        self._workers.resize(check_int("num_workers", num_workers, minimum=1))

    def statistics(self) -> WorkerPoolStatistics:
        """Return how many workers, items and waiting submitters there are."""
        return self._workers.statistics()

    def __repr__(self) -> str:
        state, running = self._workers.state, self._workers.running_count
        return f"<WorkerPool {state}, {running} running, {len(self._queue)} queued>"

    def _check_priority(self, priority: object) -> None:
        """Make sure that *priority* can be compared with all others."""
        if not self._takes_priorities:
            raise ValueError("priority needs a pool made with priorities=True")
        if not isinstance(priority, int | float) or isinstance(priority, bool):
            raise TypeError(f"priority must be a number, not {priority!r}")
        if priority != priority:
            raise ValueError("priority must be a number, not NaN")

    def _check_open(self) -> None:
        """Make sure that the pool accepts items."""
        workers = self._workers
        if workers.state == "new":
            raise RuntimeError("worker pool is not started; use it with 'async with', or call start() first")
        if not workers.is_open:
            raise workers.outcomes.refusal()

    async def _wait_for_room(self) -> None:
        """Wait until there is room for an item, which is to be put in at once."""
        try:
            self._check_open()
            self._workers.refuse_last()
            await self._queue.wait_for_room()
            self._queue.keep_promise()
            self._check_open()
        except ClosedResourceError:
            await checkpoint_before_raise()
            raise
