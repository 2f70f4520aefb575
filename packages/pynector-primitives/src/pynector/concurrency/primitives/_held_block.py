"""`async with` for what is acquired and released."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from itertools import repeat
from types import TracebackType
from typing import Any

from pynector.concurrency.task.lowlevel import READY, operation_budget

ALWAYS: Iterator[bool] = repeat(True)
"""The budget of what is not to be fast: each operation is a checkpoint.

It is passed after something was taken, so that whoever asks first has it first. The checkpoint of a fast
operation whose turn it is comes before: others would find the thing taken meanwhile, and wait; and as those
who give it back ask for it again, each turn from then on would be a hand-over, at ten times the cost.
"""


def budget_for(fast_acquire: bool) -> Iterator[bool]:
    """Return what tells of each operation whether it is a checkpoint; if they are not to be fast, each is."""
    return operation_budget() if fast_acquire else ALWAYS


class HeldBlock(ABC):
    """Acquires on entering a block, releases on leaving it.

    What does not wait makes no coroutine, here and in the `__aenter__` of a subclass: two that do nothing
    are a tenth of the cost of a free lock. `acquire` is one always, so that a task can be made of it.
    """

    __slots__ = ()

    @abstractmethod
    def __aenter__(self) -> Coroutine[Any, Any, object]: ...

    @abstractmethod
    def release(self) -> None: ...

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        self.release()
        return READY
