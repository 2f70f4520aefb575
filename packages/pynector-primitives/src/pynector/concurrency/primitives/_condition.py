"""The condition."""

from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

import anyio

from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.errors import get_cancelled_exc_class
from pynector.concurrency.task.lowlevel import (
    READY,
    ParkingLot,
    Waiter,
    check_int,
    current_task,
)

from ._lock import Lock
from ._statistics import ConditionStatistics

T = TypeVar("T")


class Condition:
    """Lets tasks wait until something has changed, with a lock around it.

    A task that holds the lock may `wait`, which releases the lock meanwhile, or `notify` waiters. For
    something that happens once, `Event` is simpler.

    Args:
        lock: The lock to use; by default one of its own.

    Raises:
        TypeError: *lock* is not a `Lock` of this package.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import Condition

        async def main() -> None:
            changed, items = Condition(), []

            async def take() -> None:
                async with changed:
                    await changed.wait_for(lambda: items)
                    print(items.pop())
                    #> tea

            async with anyio.create_task_group() as tg:
                tg.start_soon(take)
                async with changed:
                    items.append("tea")
                    changed.notify()

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_core", "_lock", "_lot", "_notified")

    def __init__(self, lock: Lock | None = None) -> None:
        if lock is not None and not isinstance(lock, Lock):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"lock must be a pynector.concurrency.primitives.Lock, not {lock!r}")
        self._lock = Lock() if lock is None else lock
        self._core = self._lock._lock  # pyright: ignore[reportPrivateUsage]  # the two know each other
        self._lot: ParkingLot[None] = ParkingLot("Condition", same_loop_as=self._core)
        self._notified: set[Waiter] = set()
        """Of tasks that were notified and have not run since: they wait for the lock, or own it."""

    def __repr__(self) -> str:
        return f"<Condition of {self._lock!r}, {len(self._lot)} waiting for a notification>"

    def __aenter__(self) -> Coroutine[Any, Any, object]:
        return self._lock.__aenter__()

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        if exc is not None and self._core.broken:  # it could not be taken back: see `wait`
            return READY
        return self._lock.__aexit__(exc_type, exc, tb)

    async def acquire(self) -> None:
        """Acquire the lock, as `Lock.acquire`."""
        await self._lock.acquire()

    def acquire_nowait(self) -> None:
        """Acquire the lock if it is free, as `Lock.acquire_nowait`."""
        self._lock.acquire_nowait()

    def release(self) -> None:
        """Release the lock, as `Lock.release`."""
        self._lock.release()

    def locked(self) -> bool:
        """Whether a task holds the lock."""
        return self._lock.locked()

    async def wait(self) -> None:
        """Release the lock, wait for a notification, and take the lock back.

        A checkpoint. However it ends, this task holds the lock again: if it is cancelled, it takes the lock
        back first, and a notification on its way goes to the next waiter.

        A notified task queues up for the lock, behind the tasks that wait for it already, and runs once it
        owns it. The idea is that of `trio.Condition`, known as wait morphing. `notify_all` wakes all waiters
        at once, since each finds the lock free if the one before waits again.

        Raises:
            RuntimeError: this task does not hold the lock.
            anyio.BrokenResourceError: the lock cannot be taken back, since its owner has ended.
        """
        core, task = self._core, self._holder()
        lot: ParkingLot[None] = self._lot
        waiter = lot.enqueue(task)
        if core.watched:
            core.hand_over()
        else:
            core.owner = None
        try:
            await waiter  # what `park` does, without the coroutine
            if core.owner is None:  # all were notified
                core.owner = task
            elif core.owner is task:
                self._notified.discard(waiter)
            else:
                core.watch_owner()
                lot, waiter = core, core.enqueue(task)
                await waiter
        except BaseException as error:
            await self._leave(lot, waiter, task, error)
            raise

    async def _leave(self, lot: ParkingLot[None], waiter: Waiter, task: Any, error: BaseException) -> None:
        """Take the lock back for a waiter whose *error* goes on after this; pass a notification on."""
        core, was_notified = self._core, waiter in self._notified
        if was_notified:
            self._notified.discard(waiter)
            lot = core
        is_closed = isinstance(error, GeneratorExit)  # it cannot wait, and keeps nothing
        lot.abort(waiter, core.pass_on if lot is core and is_closed else _keep)
        if was_notified:
            self._notify_first()
        if is_closed or core.owner is task:
            return
        try:
            await self._take_back()
        except (anyio.BrokenResourceError, get_cancelled_exc_class()):
            pass  # *error*, the first one, is what matters

    async def _take_back(self) -> None:
        """Own the lock again, and raise afterwards what cancelled or interrupted this meanwhile."""
        core, task = self._core, current_task()
        stopped: BaseException | None = None
        try:
            while not core.take(task):
                try:
                    with CancelScope(shield=True):
                        core.watch_owner()
                        await core.park(core.pass_on)
                    break
                except (Exception, GeneratorExit):
                    raise  # the lock is broken, or this coroutine is closed
                except BaseException as error:
                    stopped = error  # cancelled natively, which no shield holds back, or Ctrl-C
            if stopped is not None:
                raise stopped
        finally:
            del stopped  # or the exception would keep this frame, and the frame the exception

    async def wait_for(self, predicate: Callable[[], T]) -> T:
        """Wait until *predicate* returns something true, and return that.

        It is called with the lock held: now, and after each notification. If it is true at once, this is not
        a checkpoint. If cancelled, this task holds the lock again, as after `wait`.

        Raises:
            RuntimeError: this task does not hold the lock.
        """
        while not (result := predicate()):
            await self.wait()
        return result

    def notify(self, n: int = 1) -> Awaitable[None]:
        """Notify the *n* tasks that have waited longest; each goes on when it owns the lock.

        Never waits; awaiting what it returns is the same as not awaiting it.

        Raises:
            RuntimeError: this task does not hold the lock.
            ValueError: *n* is negative.
        """
        self._holder()
        if type(n) is not int or n < 0:
            check_int("n", n, minimum=0)
        while n and self._notify_first():  # in the lock's loop: its owner asks
            n -= 1
        return READY

    def notify_all(self) -> Awaitable[None]:
        """Notify all waiters; they go on one by one, as each owns the lock.

        Never waits; awaiting what it returns is the same as not awaiting it.

        Raises:
            RuntimeError: this task does not hold the lock.
        """
        self._holder()
        self._lot.unpark_all(None)
        return READY

    def _notify_first(self) -> bool:
        """Move the first waiter to the queue of the lock, and return whether there was one."""
        core = self._core
        waiter = self._lot.move_first(core)
        if waiter is None:
            return False
        self._notified.add(waiter)
        if core.owner not in core.watched:
            core.settle()
        return True

    def _holder(self) -> Any:
        """Return the running task, which must hold the lock."""
        core = self._core
        try:
            task = core.ask()  # what `running_task` does in the usual case, without the call
        except RuntimeError:
            task = None
        if task is None:
            task = core.running_task()
        if core.owner is not task:
            core.check_loop("using it")
            raise RuntimeError("The current task is not holding the underlying lock")
        return task

    def statistics(self) -> ConditionStatistics:
        """Return the tasks that wait for a notification, and the statistics of the lock."""
        waiters = tuple(self._lot.parked())
        return ConditionStatistics(len(waiters), self._lock.statistics(), waiters)


def _keep(_: None) -> None:
    """The lock that has come back stays with the waiter; of a notification of all, each has its own."""
