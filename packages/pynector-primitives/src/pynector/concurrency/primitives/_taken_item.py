"""An item of a queue, for the length of a block."""

from types import TracebackType
from typing import Any, Generic, TypeVar

from anyio import ClosedResourceError

from pynector.concurrency.task.lowlevel import checkpoint, give_way

from ._queue_state import QueueState

T = TypeVar("T")


class TakenItem(Generic[T]):
    """Takes an item out of a queue on entering a block; the item is done when the block is left."""

    __slots__ = ("_state",)

    def __init__(self, state: QueueState[T]) -> None:
        self._state = state

    async def __aenter__(self) -> T:
        return self._state.unwrap(await take_first(self._state, "take()"))

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._state.done()


async def take_first(state: QueueState[Any], doing: str) -> Any:
    """Take the first entry out, waiting until there is one."""
    try:
        state.check_not_over(doing)
        if state.ready and next(state.budget):
            await checkpoint()
            state.check_not_over(doing)
        if state.ready:
            return state.take()
        return state.receive(await state.getters.park(state.put_back))
    except ClosedResourceError:
        await give_way()
        raise
