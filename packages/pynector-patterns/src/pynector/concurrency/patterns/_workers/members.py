"""The tasks of a worker pool's workers."""

from typing import Any

from pynector.concurrency.task.lowlevel import ParkingLot, current_task


class Members:
    """Keeps the workers' tasks from waiting for what only they can bring about.

    Args:
        room: Where submitters wait for room among the items, which workers make.
    """

    __slots__ = ("_room", "_tasks")

    def __init__(self, room: ParkingLot[Any]) -> None:
        self._room = room
        self._tasks: set[object] = set()

    @property
    def waiting(self) -> int:
        """How many of them wait for room."""
        return len(self._tasks.intersection(self._room.tasks()))

    def add(self, task: object) -> None:
        """The task of a worker has begun."""
        self._tasks.add(task)

    def discard(self, task: object) -> None:
        """The task of a worker is about to end."""
        self._tasks.discard(task)

    def refuse(self, what: str) -> None:
        """Make sure that the running task, which calls *what*, is none of them.

        Raises:
            RuntimeError: it is one, and would wait for itself.
        """
        if current_task() in self._tasks:
            raise RuntimeError(f"worker pool: {what} called by one of its items; it would wait for itself")

    def refuse_the_last(self, workers: int) -> None:
        """Make sure that the running task may wait for room, as others of the *workers* do.

        Raises:
            RuntimeError: with it all *workers* would wait, and none make room.
        """
        if current_task() in self._tasks and self.waiting + 1 >= workers:
            raise RuntimeError(
                "worker pool: all workers would wait for room in the queue, which only they make;"
                " use submit_nowait(), or a larger max_queue"
            )
