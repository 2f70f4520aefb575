"""The task that owns a started worker pool."""

import warnings
from typing import Any

from anyio import get_cancelled_exc_class

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, spawn_owner, watch_exit

from .crew import Crew
from .waking import wake_all


class Owner:
    """Enters and leaves the group of the workers, so that others may start and stop the pool.

    Attributes:
        error: What ended the group, if something did.
    """

    __slots__ = ("_crew", "_gone", "_has_begun", "_is_gone", "error")

    def __init__(self, crew: Crew[Any, Any]) -> None:
        self.error: BaseException | None = None
        self._crew = crew
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
                self._crew.move_in(group)
                try:
                    await self._crew.wait_for_end()
                except BaseException:
                    self._crew.cancel()  # at once: no worker may be started in a group that is being left
                    raise
        except get_cancelled_exc_class():
            self._warn()
            raise
        except BaseException as error:
            self.error = error
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise

    def _leave(self, _: object) -> None:
        self._crew.abandon()
        self._is_gone = True
        wake_all(self._gone)
        if not self._has_begun:
            self._warn()

    def _warn(self) -> None:
        undone, unseen = len(self._crew.ledger.unprocessed), len(self._crew.ledger.errors)
        text = f"worker pool was never stopped: {undone} items were not done, {unseen} errors not seen"
        warnings.warn(text, RuntimeWarning if undone or unseen else ResourceWarning, stacklevel=1)
