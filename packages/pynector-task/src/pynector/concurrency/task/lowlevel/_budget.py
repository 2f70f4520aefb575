"""The cooperative budget: how many operations may go by without a checkpoint."""

import threading
from collections.abc import Callable

OPERATIONS = 64


class OperationBudget:
    """Operations that may still go by until a checkpoint is due.

    Args:
        operations: A checkpoint is due once in so many.

    Attributes:
        operations: A checkpoint is due once in so many.
        left: Operations until then. A hot path may count for itself, which saves the call of `spend`:
            `budget.left -= 1`, then `if budget.left <= 0:` it calls `renew()` and passes a checkpoint.
    """

    __slots__ = ("left", "operations")

    def __init__(self, operations: int = OPERATIONS) -> None:
        self.operations: int = operations
        self.left: int = operations

    def spend(self) -> bool:
        """Count one operation, and tell whether a checkpoint is due."""
        self.left -= 1
        if self.left > 0:
            return False
        self.renew()
        return True

    def renew(self) -> None:
        """Begin anew, since a checkpoint is passed."""
        self.left = self.operations


class _ThreadBudget(threading.local):
    def __init__(self) -> None:
        self.budget = OperationBudget()


_here = _ThreadBudget()


def thread_budget() -> OperationBudget:
    """Give the budget that all operations of this thread share; see `operation_budget`."""
    return _here.budget


def operation_budget() -> Callable[[], bool]:
    """Give this thread's budget: a function to call once for each operation that did not wait.

    It answers True every 64th time, all objects of the thread taken together; the caller then passes a
    `checkpoint`. So a task that never has to wait starves neither the loop nor its own cancellation.
    The idea is Tokio's ("Reducing tail latencies with automatic cooperative task yielding", 2020).

    Ask once, when an object is made, and keep the function: asking costs more than spending.
    """
    return _here.budget.spend
