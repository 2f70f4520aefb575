"""The tasks of a worker pool's workers."""

from collections.abc import Generator
from contextlib import contextmanager

from pynector.concurrency.task.lowlevel import current_task


class Members:
    """Keeps the workers' tasks from waiting for what only they can bring about."""

    __slots__ = ("_tasks", "_waiting")

    def __init__(self) -> None:
        self._tasks: set[object] = set()
        self._waiting = 0  # of them, for room

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

    @contextmanager
    def one_waits(self, workers: int) -> Generator[None, None, None]:
        """Note that the running task waits for room, if it is one of the *workers*.

        Raises:
            RuntimeError: then all workers would wait, and none make room.
        """
        is_member = current_task() in self._tasks
        if is_member and self._waiting + 1 >= workers:
            raise RuntimeError(
                "worker pool: all workers would wait for room in the queue, which only they make;"
                " use submit_nowait(), or a larger max_queue"
            )
        self._waiting += is_member
        try:
            yield
        finally:
            self._waiting -= is_member
