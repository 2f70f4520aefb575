"""The task group of a worker pool's workers: entered by a block, or by a task of its own."""

import logging
import warnings
from types import TracebackType
from typing import Any

from anyio import BrokenResourceError, get_cancelled_exc_class

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    checkpoint_before_raise,
    is_cancellation,
    native_cancellations,
    one_line,
    raise_first,
    raise_unchanged,
    spawn_owner,
    watch_exit,
)

from .workers import Workers

logger = logging.getLogger("pynector.concurrency.patterns")


class PoolBlock:
    """The group of a pool that is used with `async with`, in the task that does so.

    Attributes:
        error: What ended the group is raised by leaving the block; so there is nothing for `stop` to raise.
    """

    __slots__ = ("_before", "_grace", "_group", "_workers", "error")

    def __init__(self, workers: Workers[Any, Any], grace: float | None) -> None:
        self.error: BaseException | None = None
        self._workers = workers
        self._grace = grace
        self._before = native_cancellations()
        self._group = create_task_group()

    async def enter(self) -> None:
        """Let workers be started."""
        await self._group.__aenter__()
        self._workers.start_in(self._group)

    async def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Finish what is queued, or cancel it if an exception leaves the block; then raise errors."""
        outcomes = self._workers.outcomes
        # AnyIO's group takes native cancellations back as it ends, and those that it has made itself when one
        # of its tasks failed: a native one alone is to come again all the same.
        is_native = native_cancellations() > self._before and not self._group.cancel_scope.cancel_called
        before = -1 if is_native else self._before
        leaving = exc
        try:
            await self._end(exc_type, exc, tb)
        except BaseException as error:
            if exc is None or is_cancellation(exc) or not is_cancellation(error):
                leaving = error
        try:
            if leaving is None:
                await outcomes.raise_errors()
                return
            await outcomes.tell_beside(leaving, before)
            if not is_cancellation(leaving):
                await raise_first(leaving, before)
            if leaving is not exc:
                raise_unchanged(leaving)
        finally:
            del exc, tb, leaving  # whose tracebacks hold this frame: no cycle

    async def wait(self) -> None:
        """Wait until all workers have stopped."""
        await self._workers.wait_until_ended()

    async def _end(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        workers, group = self._workers, self._group
        if exc is not None:
            workers.cancel()
        else:
            workers.close()
            if self._grace is not None:
                try:
                    await self._wait_for(self._grace)
                except BaseException as error:
                    await self._end(type(error), error, error.__traceback__)
                    raise
        try:
            swallowed = await group.__aexit__(exc_type, exc, tb)
        finally:
            workers.group_ended()
        if (exc is None or swallowed) and group.cancel_scope.cancel_called:
            await checkpoint_before_raise()
            raise BrokenResourceError("worker pool: one of its tasks was cancelled from outside")

    async def _wait_for(self, grace: float) -> None:
        workers = self._workers
        with move_on_after(grace):
            await workers.wait_until_ended()
        if not workers.has_ended:
            workers.cancel()
            await workers.wait_until_ended()
            if undone := len(workers.outcomes.unprocessed):
                logger.warning(
                    "worker pool: %s cancelled %g s after its block was left; see WorkerPool.unprocessed",
                    "1 item was" if undone == 1 else f"{undone} items were",
                    grace,
                )


class PoolOwner:
    """The group of a started pool, in a task of its own, so that any tasks may start and stop the pool.

    Attributes:
        error: What ended the group, if something did.
    """

    __slots__ = ("_gone", "_has_begun", "_is_gone", "_workers", "error")

    def __init__(self, workers: Workers[Any, Any]) -> None:
        self.error: BaseException | None = None
        self._workers = workers
        self._has_begun = False
        self._is_gone = False
        self._gone: ParkingLot[None] = ParkingLot("WorkerPool.stop")
        # Watched, since a task that is cancelled natively before its first step never runs its `finally`.
        watch_exit(spawn_owner(self._own, name="owner of a worker pool"), self._leave)

    async def wait(self) -> None:
        """Wait until all tasks of the pool have ended."""
        if not self._is_gone:
            await self._gone.park(lambda _: None)

    async def _own(self) -> None:
        self._has_begun = True
        try:
            async with create_task_group() as group:
                self._workers.start_in(group)
                try:
                    await self._workers.wait_until_ended()
                except BaseException:
                    self._workers.cancel()  # at once: no worker may be started in a group that is being left
                    raise
        except get_cancelled_exc_class():
            self._warn()
            raise
        except BaseException as error:
            self.error = error
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            logger.critical("a worker pool was cancelled by %s", one_line(error), exc_info=error)

    def _leave(self, _: object) -> None:
        self._workers.group_ended()
        self._is_gone = True
        self._gone.unpark_all(None)
        if not self._has_begun:
            self._warn()

    def _warn(self) -> None:
        outcomes = self._workers.outcomes
        undone, unread = len(outcomes.unprocessed), outcomes.unread_count
        text = f"worker pool was never stopped: {undone} items were not done, {unread} errors not seen"
        warnings.warn(text, RuntimeWarning if undone or unread else ResourceWarning, stacklevel=1)
