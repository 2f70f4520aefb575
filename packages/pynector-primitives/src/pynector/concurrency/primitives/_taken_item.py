"""An item of a queue, for the length of a block."""

from types import TracebackType
from typing import Any, Generic, TypeVar

from anyio import ClosedResourceError, WouldBlock

from pynector.concurrency.task.lowlevel import checkpoint, give_way

from ._queue_state import QueueState

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
        self._state.done()


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
        self._state.done()


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
        await give_way()
        raise
