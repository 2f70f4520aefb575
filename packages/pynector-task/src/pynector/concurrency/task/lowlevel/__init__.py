"""What the layers above are built on, for those who build a primitive of their own.

`ParkingLot` is the one place that suspends tasks. Around it: a `checkpoint` that costs little, the
`operation_budget` that keeps fast paths from starving the loop, `READY` for calls that may be awaited
but never wait, `spawn_owner` for what must outlive a call, and the checks of arguments that give the same
words everywhere.
"""

from typing import TYPE_CHECKING

from ._lazy import import_lazily

if TYPE_CHECKING:
    from ._arguments import (
        check_callable,
        check_fraction,
        check_int,
        check_number,
        check_positive,
        check_seconds,
    )
    from ._backend import (
        Waiter,
        asyncio_task,
        cancel_scope,
        checkpoint,
        current_task,
        current_time,
        runs_on_trio,
        task_getter,
        time_getter,
        unwatch_exit,
        watch_exit,
    )
    from ._budget import OPERATIONS_PER_CHECKPOINT, READY, operation_budget, start_budget
    from ._cancellation import checkpoint_before_raise, is_cancelled
    from ._errors import (
        add_note,
        is_cancellation,
        leaves,
        native_cancellations,
        one_line,
        overtaken_cancellation,
        raise_first,
        raise_overtaken,
        raise_unchanged,
        single,
        what_leaves,
    )
    from ._holders import tasks_that_hold
    from ._loop_bound import LoopBound, raise_wrong_thread
    from ._owner import spawn_owner
    from ._parked import ParkedTask, parked_tasks
    from ._parking_lot import ParkingLot
else:
    __getattr__, __dir__ = import_lazily(
        __name__,
        {
            "OPERATIONS_PER_CHECKPOINT": "_budget",
            "ParkedTask": "_parked",
            "ParkingLot": "_parking_lot",
            "READY": "_budget",
            "LoopBound": "_loop_bound",
            "Waiter": "_backend",
            "add_note": "_errors",
            "asyncio_task": "_backend",
            "cancel_scope": "_backend",
            "check_callable": "_arguments",
            "check_fraction": "_arguments",
            "check_int": "_arguments",
            "check_number": "_arguments",
            "check_positive": "_arguments",
            "check_seconds": "_arguments",
            "checkpoint": "_backend",
            "current_task": "_backend",
            "current_time": "_backend",
            "checkpoint_before_raise": "_cancellation",
            "is_cancellation": "_errors",
            "is_cancelled": "_cancellation",
            "leaves": "_errors",
            "native_cancellations": "_errors",
            "one_line": "_errors",
            "operation_budget": "_budget",
            "overtaken_cancellation": "_errors",
            "parked_tasks": "_parked",
            "raise_first": "_errors",
            "raise_overtaken": "_errors",
            "raise_unchanged": "_errors",
            "raise_wrong_thread": "_loop_bound",
            "runs_on_trio": "_backend",
            "single": "_errors",
            "spawn_owner": "_owner",
            "start_budget": "_budget",
            "task_getter": "_backend",
            "tasks_that_hold": "_holders",
            "time_getter": "_backend",
            "unwatch_exit": "_backend",
            "watch_exit": "_backend",
            "what_leaves": "_errors",
        },
    )

__all__ = [
    "OPERATIONS_PER_CHECKPOINT",
    "READY",
    "LoopBound",
    "ParkedTask",
    "ParkingLot",
    "Waiter",
    "add_note",
    "asyncio_task",
    "cancel_scope",
    "check_callable",
    "check_fraction",
    "check_int",
    "check_number",
    "check_positive",
    "check_seconds",
    "checkpoint",
    "checkpoint_before_raise",
    "current_task",
    "current_time",
    "import_lazily",
    "is_cancellation",
    "is_cancelled",
    "leaves",
    "native_cancellations",
    "one_line",
    "operation_budget",
    "overtaken_cancellation",
    "parked_tasks",
    "raise_first",
    "raise_overtaken",
    "raise_unchanged",
    "raise_wrong_thread",
    "runs_on_trio",
    "single",
    "spawn_owner",
    "start_budget",
    "task_getter",
    "tasks_that_hold",
    "time_getter",
    "unwatch_exit",
    "watch_exit",
    "what_leaves",
]
