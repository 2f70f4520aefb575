"""The block of a worker pool that is used with `async with`."""

import warnings
from types import TracebackType
from typing import Any

from anyio import BrokenResourceError, get_cancelled_exc_class

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, give_way, spawn_owner, watch_exit

from .workers import Workers


class BlockLifetime:
    """The group of the workers, entered and left by the task that uses the pool.

    Attributes:
        error: What ended the group is raised by leaving the block; so there is nothing to tell others.
    """

    __slots__ = ("_group", "_workers", "error")

    def __init__(self, workers: Workers[Any, Any]) -> None:
        self.error: BaseException | None = None
        self._workers = workers
        self._group = create_task_group()

    async def enter(self) -> None:
        """Let the workers come."""
        await self._group.__aenter__()
        self._workers.move_in(self._group)

    async def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Finish what is queued, or cancel it if an exception leaves the block; then tell of errors."""
        policy = self._workers.policy
        try:
            await self._end(exc_type, exc, tb)
            if exc is None:
                await policy.raise_errors()
        except BaseException as error:
            await policy.tell_beside(error)
            raise
        if exc is not None:
            await policy.tell_beside(exc)

    async def wait(self) -> None:
        """Wait until all workers have left."""
        await self._workers.wait_for_end()

    async def _end(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        workers, group = self._workers, self._group
        if exc is None:
            workers.close()
        else:
            workers.cancel()
        try:
            swallowed = await group.__aexit__(exc_type, exc, tb)
        finally:
            workers.abandon()
        if (exc is None or swallowed) and group.cancel_scope.cancel_called:
            await give_way()
            raise BrokenResourceError("worker pool: one of its tasks was cancelled from outside")


class OwnerLifetime:
    """Enters and leaves the group of the workers, so that others may start and stop the pool.

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
                self._workers.move_in(group)
                try:
                    await self._workers.wait_for_end()
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

    def _leave(self, _: object) -> None:
        self._workers.abandon()
        self._is_gone = True
        self._gone.unpark_all(None)
        if not self._has_begun:
            self._warn()

    def _warn(self) -> None:
        undone, unseen = len(self._workers.outcomes.unprocessed), len(self._workers.outcomes.errors)
        text = f"worker pool was never stopped: {undone} items were not done, {unseen} errors not seen"
        warnings.warn(text, RuntimeWarning if undone or unseen else ResourceWarning, stacklevel=1)
