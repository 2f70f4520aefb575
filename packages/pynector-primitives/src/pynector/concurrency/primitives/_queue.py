"""An item of a queue, for the length of a block."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.task.lowlevel import ParkedTask, check_int, checkpoint, checkpoint_before_raise

from ._queue_state import QueueState
from ._stores import Line, SortedLine

T = TypeVar("T")


class TakenItem(Generic[T]):
    """Takes an item out of a queue on entering a block; the item is done when the block is left."""

    __slots__ = ("_state",)

    def __init__(self, state: QueueState[T]) -> None:
        self._state = state

    async def __aenter__(self) -> T:
        state = self._state
        entry = state.take() if state.may_take() else await take_first(state, "take()")
        item: T = entry if state.unwrap is None else state.unwrap(entry)
        return item

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        state = self._state
        state.check_loop("leaving the block of an item")
        state.done()


class TakenNow(Generic[T]):
    """Takes an item out of a queue on entering a block, without waiting; done when the block is left."""

    __slots__ = ("_state",)

    def __init__(self, state: QueueState[T]) -> None:
        self._state = state

    def __enter__(self) -> T:
        state = self._state
        if not state.has_entry("take_nowait()"):
            raise WouldBlock
        entry = state.take()
        item: T = entry if state.unwrap is None else state.unwrap(entry)
        return item

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        state = self._state
        state.check_loop("leaving the block of an item")
        state.done()


async def take_first(state: QueueState[Any], doing: str) -> Any:
    """Take the first entry out, waiting until there is one, where `may_take` has said no. A checkpoint."""
    try:
        if state.has_entry(doing) or not state.getters.queue:
            # Also if it has none: others put one in meanwhile, for less than to wait costs.
            await checkpoint()
        if state.has_entry(doing):
            return state.take()
        return state.receive(await state.wait_for_entry())
    except ClosedResourceError:
        await checkpoint_before_raise()
        raise


@dataclass(frozen=True)
class QueueStatistics:
    """The state of a queue.

    Attributes:
        items: The number of items in it, including the places of tasks whose `put` was just let in.
        max_size: The most items that may be in it; None: no limit.
        unfinished: The number of items that were taken out, or are on their way to a task, and are not done.
        tasks_waiting_put: The number of tasks that wait to put an item in.
        tasks_waiting_get: The number of tasks that wait for an item.
        waiters: The tasks that wait, in order of arrival, those in `put` first.
    """

    items: int
    max_size: int | None
    unfinished: int
    tasks_waiting_put: int
    tasks_waiting_get: int
    waiters: tuple[ParkedTask, ...] = ()


class Queue(Generic[T]):
    """Hands items from tasks that put them to tasks that get them, in order.

    Waiters are served in order of arrival, and no newcomer overtakes: an item goes straight to the first task
    that waits for one, a free place to the first that waits in `put`. A task that finds the queue empty or
    full, and no other waiting, passes a checkpoint before it waits: most often it does not have to wait then.
    A cancelled `put` has put nothing, a cancelled `get` has taken nothing: an item on its way goes to the
    next waiter, or back to the front (even if the queue filled up meanwhile).

    `join` needs no `task_done`: an item from `get` is done at once, an item from `take` or `take_nowait` when
    the block is left.

    Once a task has waited, the queue belongs to that event loop: it raises `RuntimeError` in another loop or
    thread. For an order of your own use `PriorityQueue`.

    States:
        | | open | closed, items left | closed, empty |
        | --- | --- | --- | --- |
        | `put` | puts, waits while full | ClosedResourceError | ClosedResourceError |
        | `get`, `take` | takes, waits while empty | takes | ClosedResourceError |
        | `get_nowait`, `take_nowait` | takes, WouldBlock if empty | takes | ClosedResourceError |
        | `async for` | takes, waits while empty | takes | ends |
        | `close`, `shutdown` | closes | shutdown takes all out | nothing to do |

    Args:
        max_size: The most items that may be in it, at least one. None: no limit.
        fast_acquire: Skip the checkpoint when `put` and `get` do not have to wait, except every 64th time
            (the objects of a thread count together). Faster, for tasks that pass checkpoints elsewhere.

    Raises:
        TypeError: *max_size* is not an int.
        ValueError: *max_size* is less than one.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import Queue

        async def main() -> None:
            queue = Queue[str](10)
            await queue.put("first")
            await queue.put("second")
            queue.close()
            async for item in queue:
                print(item)
                #> first
                #> second

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_state")

    def __init__(self, max_size: int | None = None, *, fast_acquire: bool = False) -> None:
        self._state = self._make_state(Line[T](), max_size, fast_acquire)

    def _make_state(self, store: Line[T] | SortedLine[T], max_size: int | None, fast: bool) -> QueueState[T]:
        if max_size is not None:
            check_int("max_size", max_size, minimum=1)
        return QueueState(type(self).__name__, store, max_size, fast)

    def __len__(self) -> int:
        """The number of items in the queue."""
        return len(self._state)

    def __repr__(self) -> str:
        state = self._state
        of = "" if state.max_size is None else f" of {state.max_size}"
        waiting = f"{len(state.putters)} putting, {len(state.getters)} getting"
        return f"<{type(self).__name__} {len(state)}{of} items, {waiting}, {state.phase}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.get()
        except ClosedResourceError:
            raise StopAsyncIteration from None

    async def put(self, item: T) -> None:
        """Put *item* in, waiting until a place is free.

        A checkpoint, unless made with `fast_acquire=True`. If cancelled, the item has not been put.

        Raises:
            anyio.ClosedResourceError: the queue is closed, or was closed while this waited.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        state = self._state
        entry = item if state.wrap is None else state.wrap(item)
        if state.may_add():
            state.add(entry)
            return
        try:
            if state.has_place("put()") or not state.putters.queue:
                # Also if it has none: others make room meanwhile, for less than to wait costs.
                await checkpoint()
            if state.has_place("put()"):
                state.add(entry)
            else:
                state.fill(await state.wait_for_place(), entry)
        except ClosedResourceError:
            await checkpoint_before_raise()
            raise

    def put_nowait(self, item: T) -> None:
        """Put *item* in if a place is free. No checkpoint.

        Raises:
            anyio.WouldBlock: no place is free.
            anyio.ClosedResourceError: the queue is closed.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        state = self._state
        if not state.has_place("put_nowait()"):
            raise WouldBlock
        state.add(item if state.wrap is None else state.wrap(item))

    async def get(self) -> T:
        """Take the first item out, waiting until there is one. It counts as done at once.

        A checkpoint, unless made with `fast_acquire=True`. If cancelled, no item has been taken.

        Raises:
            anyio.ClosedResourceError: the queue is closed and empty, or became so while this waited.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        state = self._state
        if state.may_take():
            entry = state.take_for_good()
        else:
            entry = await take_first(state, "get()")
            state.done()
        item: T = entry if state.unwrap is None else state.unwrap(entry)
        return item

    def get_nowait(self) -> T:
        """Take the first item out if there is one. It counts as done at once. No checkpoint.

        Raises:
            anyio.WouldBlock: there is none.
            anyio.ClosedResourceError: the queue is closed and empty.
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        state = self._state
        if not state.has_entry("get_nowait()"):
            raise WouldBlock
        entry = state.take_for_good()
        item: T = entry if state.unwrap is None else state.unwrap(entry)
        return item

    def take(self) -> TakenItem[T]:
        """Take the first item out for the length of a block: `async with queue.take() as item:`.

        Entering waits as `get` does. The item is done when the block is left, even by an error; `join` waits
        for that.

        Raises:
            anyio.ClosedResourceError: on entering, the queue is closed and empty, or became so.
            RuntimeError: on entering, this is not the event loop that the queue belongs to.
        """
        return TakenItem(self._state)

    def take_nowait(self) -> TakenNow[T]:
        """Take the first item out for the length of a block, if there is one.

        Used as `with queue.take_nowait() as item:`. No checkpoint. The item is done when the block is left,
        even by an error; `join` waits for that.

        Raises:
            anyio.WouldBlock: on entering, there is none.
            anyio.ClosedResourceError: on entering, the queue is closed and empty.
            RuntimeError: on entering, this is not the event loop that the queue belongs to.
        """
        return TakenNow(self._state)

    async def join(self) -> None:
        """Wait until the queue is empty and all items are done.

        A checkpoint, always. If cancelled, nothing changes.

        Raises:
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        self._state.check_loop("join()")
        if self._state.idle:
            await checkpoint()
        else:
            await self._state.wait_until_idle()

    def close(self) -> None:
        """Refuse further items; those inside can still be taken out. Nothing happens if it is closed already.

        Tasks that wait in `put` get `ClosedResourceError`, and so do those that wait in `get`.

        Raises:
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        self._state.close()

    def shutdown(self) -> list[T]:
        """Close the queue, take all items out, and give them. Empty if nothing was left.

        So is an item that is on its way to a task that has not run since. That task and all that wait get
        `ClosedResourceError`.

        Raises:
            RuntimeError: this is not the event loop that the queue belongs to.
        """
        return self._state.shut()

    def statistics(self) -> QueueStatistics:
        """Return how full it is, and the waiters."""
        state = self._state
        return QueueStatistics(
            len(state),
            state.max_size,
            state.unfinished,
            len(state.putters),
            len(state.getters),
            (*state.putters.parked(), *state.getters.parked()),
        )
