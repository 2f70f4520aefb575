"""`async with` for what is acquired and released."""

from abc import ABC, abstractmethod
from types import TracebackType

from pynector.concurrency.task.lowlevel import OperationBudget, thread_budget


def budget_for(fast_acquire: bool) -> OperationBudget:
    """Give what counts the operations until a checkpoint is due; if they are not to be fast, each is one."""
    return thread_budget() if fast_acquire else OperationBudget(1)


class HeldBlock(ABC):
    """Acquires on entering a block, releases on leaving it.

    A subclass says `__aenter__ = acquire`: a coroutine around it would be a fifth of the cost of a free lock.
    """

    __slots__ = ()

    @abstractmethod
    async def acquire(self) -> None: ...

    @abstractmethod
    def release(self) -> None: ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()
