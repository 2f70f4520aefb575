"""What `fast_acquire` decides: which operations are checkpoints."""

from collections.abc import Iterator
from itertools import repeat

from pynector.concurrency.task.lowlevel import operation_budget

ALWAYS: Iterator[bool] = repeat(True)
"""The budget of an object that is not to be fast: each operation is a checkpoint.

It is passed after something was taken, so that the first task to ask is the first to have it. In a fast
object the checkpoint of the operation whose turn it is comes before: others would find the thing taken
meanwhile, and wait; and as the tasks that give it back ask for it again, each turn from then on would be a
hand-over, at ten times the cost.
"""


def budget_for(fast_acquire: bool) -> Iterator[bool]:
    """Return an iterator that says of each operation whether it is a checkpoint."""
    return operation_budget() if fast_acquire else ALWAYS
