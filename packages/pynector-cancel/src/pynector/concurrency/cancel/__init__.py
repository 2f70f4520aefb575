"""Cancel scopes and time-outs. Deadlines are Unix time, kept on the event loop's clock."""

from ._cancel_scope import CancelScope
from ._effective_deadline import current_effective_deadline
from ._time_limits import fail_after, fail_at, move_on_after, move_on_at

__all__ = [
    "CancelScope",
    "current_effective_deadline",
    "fail_after",
    "fail_at",
    "move_on_after",
    "move_on_at",
]
