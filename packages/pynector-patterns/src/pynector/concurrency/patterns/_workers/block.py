"""The block of a worker pool that is used with `async with`."""

from types import TracebackType
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import give_way

from .crew import Crew


class Block:
    """The group of the workers, entered and left by the task that uses the pool.

    Attributes:
        error: What ended the group is raised by leaving the block; so there is nothing to tell others.
    """

    __slots__ = ("_crew", "_group", "error")

    def __init__(self, crew: Crew[Any, Any]) -> None:
        self.error: BaseException | None = None
        self._crew = crew
        self._group = create_task_group()

    async def enter(self) -> None:
        """Let the workers come."""
        await self._group.__aenter__()
        self._crew.move_in(self._group)

    async def leave(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Finish what is queued, or cancel it if an exception leaves the block; then tell of errors."""
        policy = self._crew.policy
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
        await self._crew.wait_for_end()

    async def _end(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        crew, group = self._crew, self._group
        if exc is None:
            crew.close()
        else:
            crew.cancel()
        try:
            swallowed = await group.__aexit__(exc_type, exc, tb)
        finally:
            crew.abandon()
        if (exc is None or swallowed) and group.cancel_scope.cancel_called:
            await give_way()
            raise BrokenResourceError("worker pool: one of its tasks was cancelled from outside")
