"""What the layers above are built on, for those who build a primitive of their own.

`ParkingLot` is the one place that suspends tasks. Around it: a `checkpoint` that costs little, the
`operation_budget` that keeps fast paths from starving the loop, `READY` for calls that may be awaited
but never wait, `spawn_owner` for what must outlive a call, and the checks of arguments that give the same
words everywhere.
"""

from ._arguments import check_callable, check_int, check_seconds
from ._backend import (
    Ticket,
    asyncio_task,
    cancel_scope,
    checkpoint,
    current_task,
    current_time,
    trio_task,
    unwatch_exit,
    watch_exit,
)
from ._budget import OperationBudget, operation_budget, thread_budget
from ._known_lots import parked_tasks
from ._owner import spawn_owner
from ._parked_task import ParkedTask
from ._parking_lot import ParkingLot
from ._ready import READY, Ready

__all__ = [
    "READY",
    "OperationBudget",
    "ParkedTask",
    "ParkingLot",
    "Ready",
    "Ticket",
    "asyncio_task",
    "cancel_scope",
    "check_callable",
    "check_int",
    "check_seconds",
    "checkpoint",
    "current_task",
    "current_time",
    "operation_budget",
    "parked_tasks",
    "spawn_owner",
    "thread_budget",
    "trio_task",
    "unwatch_exit",
    "watch_exit",
]
