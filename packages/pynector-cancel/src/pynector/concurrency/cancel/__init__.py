"""Cancel scopes and time-outs. Deadlines are Unix time, kept on the event loop's clock."""

from typing import TYPE_CHECKING

from pynector.concurrency.task.lowlevel import import_lazily

if TYPE_CHECKING:
    from ._cancel_scope import CancelScope
    from ._effective_deadline import current_effective_deadline
    from ._time_limits import fail_after, fail_at, move_on_after, move_on_at
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "CancelScope": "_cancel_scope",
            "current_effective_deadline": "_effective_deadline",
            "fail_after": "_time_limits",
            "fail_at": "_time_limits",
            "move_on_after": "_time_limits",
            "move_on_at": "_time_limits",
        },
    )

__all__ = [
    "CancelScope",
    "current_effective_deadline",
    "fail_after",
    "fail_at",
    "move_on_after",
    "move_on_at",
]
