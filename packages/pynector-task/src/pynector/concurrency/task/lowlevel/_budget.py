"""The cooperative budget: how many operations may go by without a checkpoint."""

import threading
from collections.abc import Callable

OPERATIONS = 64


class _ThreadBudget(threading.local):
    def __init__(self) -> None:
        self.budget = _Budget()


class _Budget:
    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = OPERATIONS

    def spend(self) -> bool:
        self._left -= 1
        if self._left:
            return False
        self._left = OPERATIONS
        return True


_here = _ThreadBudget()


def operation_budget() -> Callable[[], bool]:
    """Give this thread's budget: a function to call once for each operation that did not wait.

    It answers True every 64th time, all objects of the thread taken together; the caller then passes a
    `checkpoint`. So a task that never has to wait starves neither the loop nor its own cancellation.
    The idea is Tokio's ("Reducing tail latencies with automatic cooperative task yielding", 2020).

    Ask once, when an object is made, and keep the function: asking costs more than spending.
    """
    return _here.budget.spend
