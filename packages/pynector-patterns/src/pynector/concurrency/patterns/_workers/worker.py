"""A worker of a worker pool."""

# pyright: reportPrivateUsage=false

import sys
from contextvars import Context, copy_context
from itertools import islice, repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from anyio import ClosedResourceError, get_cancelled_exc_class

from pynector.concurrency.task import TaskHandle
from pynector.concurrency.task.lowlevel import (
    OPERATIONS_PER_CHECKPOINT,
    READY,
    checkpoint,
    current_task,
    give_way,
    is_cancelled,
)

from .._function_name import as_told
from .._own_context import call_in, contents_of
from .handle import ItemHandle, ItemStatus

if TYPE_CHECKING:
    from .workers import Workers

T = TypeVar("T")
R = TypeVar("R")

FINISHED = ItemStatus.FINISHED
CANCELLED = ItemStatus.CANCELLED

MANY = sys.maxsize
"""More items than a worker will ever begin."""


class Worker(Generic[T, R]):
    """A task that works on one item after another, until it is told to leave.

    Attributes:
        task: The task, once it runs.
        must_ask: Whether it asks, as soon as it is through with its item, if it is to leave.
        has_dropped_item: Whether the item that it works on was cancelled for itself.
        last: The item that it works on, or has worked on last.
    """

    __slots__ = (
        "_handle",
        "_is_cancelled",
        "_turns",
        "_workers",
        "has_dropped_item",
        "last",
        "must_ask",
        "task",
    )

    def __init__(self, workers: "Workers[T, R]") -> None:
        self.task: object = None
        self.must_ask: bool = False
        self.has_dropped_item: bool = False
        self.last: ItemHandle[T, R] | None = None
        self._workers = workers
        self._is_cancelled = False
        self._turns = repeat(None, MANY)
        self._handle: TaskHandle[None] | None = None

    @property
    def is_working(self) -> bool:
        """Whether it works on an item."""
        return self.last is not None and self.last._stage is self

    @property
    def begun(self) -> int:
        """How many items it has begun, the one that it works on included."""
        return MANY - length_hint(self._turns)  # told by what counts the turns anyway: to count took 5 %

    def attach(self, handle: TaskHandle[None]) -> None:
        """Take the handle of its task; an eager one runs already, and may be cancelled already."""
        self._handle = handle
        if self._is_cancelled:
            handle.cancel()

    def cancel(self) -> None:
        """Cancel the task, and with it the item that it works on."""
        self.must_ask = self._is_cancelled = True
        if self._handle is not None:
            self._handle.cancel()

    async def run(self) -> None:
        """Work until there is no more to do.

        One long loop: what is called or looked up for each item is a good part of what a short one costs.
        """
        self.task = current_task()
        self._workers.self_wait.add(self.task)
        workers, queue, turns = self._workers, self._workers.queue, self._turns
        func, line, take, room = workers.func, queue.line, queue.line.popleft, queue.room
        awaitable: Any = READY
        workers.started(self)
        try:
            while True:
                while not line:
                    if not workers.is_open or (self.must_ask and self._must_leave()):
                        return
                    await workers.be_idle(self)
                    workers.started(self)
                if self.must_ask:
                    if self._must_leave():
                        return
                    await checkpoint()  # it asks after each item, and so never comes to the one below
                    if not line:
                        continue
                for _ in islice(turns, OPERATIONS_PER_CHECKPOINT):
                    handle = take()
                    if room.queue:
                        queue.admit_waiters()
                    context: Any = handle._stage
                    if context is CANCELLED:
                        queue.skip()
                        if not line:
                            break
                        continue
                    handle._stage = self
                    self.last = handle
                    wanted, current = contents_of(context, copy_context())
                    try:
                        if wanted is current:
                            awaitable = func(handle._item)
                            value = await awaitable
                        else:
                            value = await call_in(context, func, handle._item, "worker_func")
                    except Exception as error:
                        if isinstance(error, ClosedResourceError) and is_cancelled():
                            # It comes of the cancellation, which has closed what the item was about to use.
                            workers.outcomes.enter_cancellation(handle, wanted=self.has_dropped_item)
                            await give_way()
                        else:
                            error = as_told(error, "worker_func", func, awaitable)
                            workers.policy.enter(handle, error, None if wanted is current else context)
                    except BaseException as error:
                        self._enter_interruption(handle, error, None if wanted is current else context)
                    else:
                        handle._stage = FINISHED
                        waiters, handle._outcome = handle._outcome, value
                        if waiters is not None:
                            workers.wake(waiters)
                    if self.must_ask or not line:
                        break
                else:
                    await checkpoint()
        except get_cancelled_exc_class():
            if not self._is_cancelled:
                workers.cancel()  # it is the group, and with it all workers
            raise
        finally:
            workers.leave(self)

    def _must_leave(self) -> bool:
        return self._is_cancelled or self._workers.dismisses(self)

    def _enter_interruption(
        self, handle: ItemHandle[T, R], error: BaseException, context: Context | None
    ) -> None:
        cancellation, rest = split_cancellation(error)
        if rest is None:
            self._workers.outcomes.enter_cancellation(handle, wanted=self.has_dropped_item)
        elif isinstance(rest, Exception):
            self._workers.policy.enter(handle, rest, context)
        else:
            self._workers.outcomes.enter_error(handle, error)
            raise error
        if cancellation is not None and is_cancelled():
            raise cancellation


def split_cancellation(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Return a cancellation that *error* is, or has inside, and what else it is.

    With trio a nursery's group may attach the cancellations of its children, alone or beside their errors.
    """
    cancelled = get_cancelled_exc_class()
    if isinstance(error, cancelled):
        return error, None
    if not isinstance(error, BaseExceptionGroup):
        return None, error
    found, rest = cast("BaseExceptionGroup[BaseException]", error).split(cancelled)
    return None if found is None else _first(found), rest


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
