"""The owner of a lock and its waiters: decisions without waiting."""

from collections.abc import Callable, Iterable
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.task.lowlevel import (
    ParkingLot,
    asyncio_task,
    task_getter,
    unwatch_exit,
    watch_exit,
)


class LockCore(ParkingLot[None]):
    """The owner, and a queue of tasks that want to be it.

    Invariants: without an owner nobody waits, since a release makes the first waiter the owner. While
    anybody waits, the owner is watched: if it ends without a release, the lock is broken.
    """

    __slots__ = ("ask", "broken", "owner", "watched")

    def __init__(self, waits_for: str) -> None:
        super().__init__(waits_for)
        self.owner: Any = None
        self.ask: Callable[[], Any] = asyncio_task
        """Returns the running task; if it returns None or raises `RuntimeError`, use `running_task`."""
        self.broken = False
        self.watched: set[Any] = set()
        """Tasks whose end calls `_owner_ended`; kept until the lock is free: to watch anew costs more."""

    @property
    def _owner(self) -> Any:  # what the specification looks at
        return self.owner

    def holders(self) -> Iterable[object]:
        return () if self.owner is None else (self.owner,)

    def running_task(self) -> Any:
        """Return the running task, and keep the function that knew it in `ask`.

        Raises:
            NoEventLoopError: no task runs in this thread.
        """
        try:
            task = self.ask()
        except RuntimeError:  # another event loop runs here than before
            task = None
        if task is None:
            self.ask = ask = task_getter()
            task = ask()
        return task

    def take(self, task: Any) -> bool:
        """Make *task* the owner if there is none, and return whether it is the owner.

        Raises:
            RuntimeError: it is the owner already; this is not the event loop that the lock belongs to.
        """
        if self.owner is None:
            self.check_loop("acquire")
            self.owner = task
            return True
        if self.owner is task:
            raise RuntimeError(
                "Attempted to acquire an already held Lock; it is not re-entrant: acquire it once, in the"
                " outermost call"
            )
        return False

    def settle(self) -> None:
        """Keep the invariants after a task that waited elsewhere has been moved here."""
        if self.owner is None:
            self.hand_over()
        elif self.owner not in self.watched:
            try:
                self.watch_owner()
            except BrokenResourceError:
                self.fail_all(_broken)

    def hand_over(self) -> None:
        """Make the first waiter the owner, or nobody."""
        queue = self.queue
        while queue:  # what `wake_first` does, without the call
            waiter, task, _ = queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self.owner = task
                if queue and task not in self.watched:
                    assert self._backend is not None
                    self._backend.watch_exit(task, self._owner_ended)  # it was waiting: it cannot have ended
                    self.watched.add(task)
                return
            self._dead -= 1
        self.owner = None
        self._unwatch_all()

    def pass_on(self, _: None) -> None:
        """Take an ownership back from a waiter that was cancelled on the way to it."""
        self.hand_over()

    def watch_owner(self) -> None:
        """Watch the owner, so that waiters learn of its end; call this before a task waits.

        Raises:
            BrokenResourceError: the owner has ended without releasing.
            RuntimeError: this is not the event loop of the owner.
        """
        if self.owner not in self.watched:
            try:
                watch_exit(self.owner, self._owner_ended)
            except BrokenResourceError:
                self.broken = True
                raise _broken() from None
            self.watched.add(self.owner)

    def _unwatch_all(self) -> None:
        while self.watched:
            unwatch_exit(self.watched.pop(), self._owner_ended)

    def _owner_ended(self, task: Any) -> None:
        self.watched.discard(task)
        if self.owner is task:
            self.broken = True
            self.fail_all(_broken)


def _broken() -> BrokenResourceError:
    return BrokenResourceError("the task that holds this lock has ended without releasing it")
