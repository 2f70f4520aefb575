"""The task that owns a started worker pool."""

import warnings
from typing import Any

from anyio import get_cancelled_exc_class

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, spawn_owner

from .crew import Crew


class Owner:
    """Enters and leaves the group of the workers, so that others may start and stop the pool.

    Attributes:
        error: What ended the group, if something did.
    """

    __slots__ = ("_crew", "_gone", "_is_gone", "error")

    def __init__(self, crew: Crew[Any, Any]) -> None:
        self.error: Exception | None = None
        self._crew = crew
        self._is_gone = False
        self._gone: ParkingLot[None] = ParkingLot("WorkerPool.stop")
        spawn_owner(self._own, name="owner of a worker pool")

    async def wait(self) -> None:
        """Wait until all tasks of the pool have ended."""
        if not self._is_gone:
            await self._gone.park(lambda _: None)

    async def _own(self) -> None:
        try:
            async with create_task_group() as group:
                self._crew.move_in(group)
                await self._crew.wait_for_end()
        except get_cancelled_exc_class():
            self._crew.abandon()
            self._warn()
            raise
        except Exception as error:
            self.error = error
        finally:
            self._crew.abandon()
            self._is_gone = True
            while self._gone.unpark(None) is not None:
                pass

    def _warn(self) -> None:
        undone, unseen = len(self._crew.ledger.unprocessed), len(self._crew.ledger.errors)
        text = f"worker pool was never stopped: {undone} items were not done, {unseen} errors not seen"
        warnings.warn(text, RuntimeWarning if undone or unseen else ResourceWarning, stacklevel=1)
