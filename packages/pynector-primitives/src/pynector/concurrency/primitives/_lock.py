"""The lock."""

from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from anyio import WouldBlock

from pynector.concurrency.task.lowlevel import READY, checkpoint

from ._fast_acquire import ALWAYS, budget_for
from ._lock_core import LockCore
from ._statistics import LockStatistics, task_info


class Lock:
    """Lets one task in at a time: the task that acquires it owns it until it releases it.

    Other tasks wait, and own it in order of arrival: `release` makes the task that has waited longest the
    owner, so that no newcomer overtakes. It is not re-entrant. If any task may release, use `Semaphore(1)`.

    If the owner ends without releasing it, all waiters, also later ones, get `anyio.BrokenResourceError`.

    Once a task has waited, the lock belongs to that event loop: it raises `RuntimeError` in another loop or
    thread.

    Args:
        fast_acquire: Skip the checkpoint when the lock is free, except every 64th time (the objects of a
            thread count together). Faster, for tasks that pass checkpoints elsewhere.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import Lock

        async def main() -> None:
            lock = Lock()
            async with lock:
                print(lock)
                #> <Lock held by '__main__.main', 0 waiting>

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_budget", "_lock")

    def __init__(self, *, fast_acquire: bool = False) -> None:
        self._lock = LockCore("Lock")
        self._budget = budget_for(fast_acquire)

    def __repr__(self) -> str:
        owner = task_info(self._lock.owner)
        held = "held" if self.locked() else "free"
        by = f" by {owner.name!r}" if owner else ""
        return f"<Lock {held}{by}, {len(self._lock)} waiting>"

    def __aenter__(self) -> Coroutine[Any, Any, None]:
        core = self._lock
        if core.owner is not None or next(self._budget):
            return self._acquire()
        try:
            task = core.ask()
        except RuntimeError:  # another event loop runs here than before
            task = None
        # Nothing is called once it is owned: an interrupt would come between, and it would stay owned.
        if task is None or core.loop is not None:
            core.take(core.running_task())
        else:
            core.owner = task  # what `take` decides, without the call
        return READY

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        core = self._lock  # what `release` does, without the calls
        try:
            task = core.ask()
        except RuntimeError:
            task = None
        if task is None or core.owner is not task:
            self.release()
        elif core.loop is None or not core.watched:
            core.owner = None
        else:
            core.hand_over()
        return READY

    async def acquire(self) -> None:
        """Own the lock, waiting until it is free.

        A checkpoint, even when it is free, unless made with `fast_acquire=True`. If cancelled, the task does
        not own it, and an ownership on its way goes to the next.

        Raises:
            RuntimeError: this task owns it already; this is not the event loop that the lock belongs to.
            anyio.BrokenResourceError: the owner has ended without releasing.
        """
        core = self._lock  # what `__aenter__` does, without the call
        if core.owner is not None or next(self._budget):
            return await self._acquire()
        try:
            task = core.ask()
        except RuntimeError:
            task = None
        if task is None or core.loop is not None:
            core.take(core.running_task())
        else:
            core.owner = task

    async def _acquire(self) -> None:
        core = self._lock
        try:
            task = core.ask()  # what `running_task` does in the usual case, without the call
        except RuntimeError:
            task = None
        if task is None:
            task = core.running_task()
        if core.owner is None and self._budget is not ALWAYS:
            await checkpoint()
        if (core.owner is None or core.owner is task) and core.take(task):
            if self._budget is ALWAYS:
                try:
                    await checkpoint()
                except BaseException:
                    core.hand_over()
                    raise
            return
        if core.owner not in core.watched:
            core.watch_owner()
        waiter = core.enqueue(task)
        try:
            await waiter  # what `park` does, without the coroutine
        except BaseException:
            core.abort(waiter, core.pass_on)
            raise

    def acquire_nowait(self) -> None:
        """Own the lock if it is free. No checkpoint.

        Raises:
            anyio.WouldBlock: it is owned.
            RuntimeError: this task owns it already; this is not the event loop that the lock belongs to.
        """
        if not self._lock.take(self._lock.running_task()):
            self._lock.check_loop("acquire_nowait()")
            raise WouldBlock

    def release(self) -> None:
        """Hand the lock to the task that has waited longest, or leave it free.

        Raises:
            RuntimeError: this task does not own it.
        """
        core = self._lock
        try:
            task = core.ask()  # what `running_task` does in the usual case, without the call
        except RuntimeError:
            task = None
        if core.owner is not (core.running_task() if task is None else task):
            core.check_loop("release")
            raise RuntimeError("The current task is not holding this lock; only its owner may release it")
        if core.watched:
            core.hand_over()
        else:
            core.owner = None

    def locked(self) -> bool:
        """Whether a task owns it."""
        return self._lock.owner is not None

    def statistics(self) -> LockStatistics:
        """Return the owner and the waiters."""
        core = self._lock
        waiters = tuple(core.parked())
        return LockStatistics(self.locked(), task_info(core.owner), len(waiters), waiters)
