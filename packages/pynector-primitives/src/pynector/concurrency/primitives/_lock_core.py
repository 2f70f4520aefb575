"""Who owns a lock, and who waits for it: decisions without waiting."""

from collections.abc import Coroutine, Iterable
from typing import Any

from anyio import BrokenResourceError

from pynector.concurrency.task.lowlevel import ParkingLot, unwatch_exit, watch_exit


class LockCore(ParkingLot[None]):
    """The owner, and a queue of tasks that want to be it.

    Invariant: without an owner nobody waits, since who releases makes the first waiter the owner.
    """

    __slots__ = ("_owner", "_watched")

    def __init__(self, waits_for: str) -> None:
        super().__init__(waits_for)
        self._owner: Any = None
        # Tasks whose end we are told of. Kept until the lock is free: watching at each hand-over costs more.
        self._watched: set[Any] = set()

    def holders(self) -> Iterable[object]:
        return () if self._owner is None else (self._owner,)

    @property
    def owner(self) -> Any:
        return self._owner

    def take(self, task: Any) -> bool:
        """Make *task* the owner if there is none, and tell whether it is.

        Raises:
            RuntimeError: it is the owner already; this is not the event loop that the lock belongs to.
        """
        if self.home is not None:
            self.check_home("acquiring")
        if self._owner is None:
            self._owner = task
            return True
        if self._owner is task:
            raise RuntimeError("Attempted to acquire an already held Lock; it is not re-entrant")
        return False

    def wait(self) -> Coroutine[Any, Any, None]:
        """Wait until the running task is the owner.

        Raises:
            BrokenResourceError: the owner has ended without releasing.
        """
        self._watch(self._owner)
        return self.park(self._pass_on)

    def release(self, task: Any) -> None:
        """Let *task* give the lock to the first waiter, or leave it free.

        Raises:
            RuntimeError: *task* is not the owner.
        """
        if self._owner is not task:
            raise RuntimeError("The current task is not holding this lock; only its owner may release it")
        if self.home is None:
            self._owner = None
        else:
            self.hand_over()

    def hand_over(self) -> None:
        """Make the first waiter the owner, or nobody."""
        self._owner = self.unpark(None)
        if self._owner is None:
            self._unwatch_all()
        elif len(self):
            self._watch(self._owner)

    def _pass_on(self, _: None) -> None:
        self.hand_over()

    def _watch(self, task: Any) -> None:
        if task not in self._watched:
            watch_exit(task, self._owner_ended)
            self._watched.add(task)

    def _unwatch_all(self) -> None:
        while self._watched:
            unwatch_exit(self._watched.pop(), self._owner_ended)

    def _owner_ended(self, task: Any) -> None:
        self._watched.discard(task)
        if self._owner is task:
            self.fail_all(
                lambda: BrokenResourceError("the task that holds this lock has ended without releasing it")
            )
