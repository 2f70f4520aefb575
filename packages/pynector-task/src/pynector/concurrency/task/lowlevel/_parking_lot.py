"""The one place that suspends tasks."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ._backend import Queue, Task, Waiter, name_of
from ._loop_bound import LoopBound
from ._parked import ParkedTask, remember

T = TypeVar("T")


class ParkingLot(LoopBound, Generic[T]):
    """Tasks that wait, first come, first served: `park` waits, `unpark` wakes the first and hands it a value.

    The idea and the name are trio's. A lot keeps no state of its own but who waits: what they wait for is
    plain bookkeeping of the object built on it, which decides synchronously and calls `unpark`.

    A lot belongs to the event loop in which a task first parks. From then on `park`, `unpark` and
    `check_loop` raise `RuntimeError` in another loop or thread.

    Args:
        waits_for: What tasks wait for here, in a word or two: it stands in errors and in `parked_tasks()`.
        holders: Gives those who hold it now, tasks or anything else; asked only for `parked_tasks()`.
        same_loop_as: Another lot of the same object, or the `LoopBound` that the object is: both belong to
            one event loop, as soon as one of them does.

    Example:
        ```python
        from pynector.concurrency.task.lowlevel import ParkingLot

        class Gate:
            \"\"\"Lets through as many tasks as it was told to, in order.\"\"\"

            def __init__(self) -> None:
                self._lot: ParkingLot[None] = ParkingLot("Gate")

            async def pass_through(self) -> None:
                await self._lot.park(lambda _: self.let_one())

            def let_one(self) -> None:
                self._lot.unpark(None)
        ```
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_current_task",
        "_dead",
        "_holders",
        "_make_waiter",
        "queue",
    )

    # The backend's own functions, kept where the hot paths find them at once.
    _clock: Callable[[], float]
    _current_task: Callable[[], Task | None]
    _make_waiter: Callable[[], Waiter]

    def __init__(
        self,
        waits_for: str,
        *,
        holders: Callable[[], Iterable[object]] = tuple,
        same_loop_as: LoopBound | None = None,
    ) -> None:
        super().__init__(waits_for, same_loop_as)
        self._holders = holders
        self.queue: Queue = deque()
        """Who waits, to look at: while it is empty nobody does, and to see that costs less than `len`.

        In order of arrival, with those that were cancelled: taking these out of the middle at once would cost
        as much as there are.
        """
        # Invariant: of the waiters whose tasks were cancelled and have run since, or which were woken out of
        # turn, those in the queue, less those that left it before their tasks ran.
        self._dead = 0

    def __len__(self) -> int:
        """The number of tasks that wait. One that was cancelled counts until it has run.

        To decide whether a task must wait, look at what is free, not here: one that waits because another,
        cancelled one still counts is woken by nobody.
        """
        return len(self.queue) - self._dead

    def __repr__(self) -> str:
        return f"<ParkingLot of {self._name}, {len(self)} waiting>"

    async def park(self, give_back: Callable[[T], object]) -> T:
        """Wait until `unpark` comes to this task, and give the value that was handed over.

        A checkpoint, always. If cancelled while waiting, the task leaves the queue. If cancelled natively
        (`asyncio.Task.cancel()`) after the value was handed over, but before the task could run,
        *give_back* is called with it, synchronously, and the cancellation goes on: so nothing is lost.

        Args:
            give_back: Takes the value back, usually by handing it to the next who waits. Must not raise.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        waiter = self.enqueue()
        try:
            return await waiter  # type: ignore[no-any-return]
        except BaseException:
            self.abort(waiter, give_back)
            raise

    def enqueue(self, task: Task | None = None) -> Waiter:
        """Do what `park` does before it waits, for a hot path that saves a coroutine by waiting itself.

        It awaits the waiter, at once, calls `abort` if that raises anything at all, and re-raises.

        Args:
            task: The running task, where the caller knows it already.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        if self._backend is None:
            self.bind()
        try:
            if task is None:
                task = self._current_task()
            same_loop = task is not None and self.current_loop() is self.loop
        except RuntimeError:  # no such event loop runs here
            same_loop, task = False, None
        if not same_loop:
            self.raise_wrong_loop("waiting")
        waiter = self._make_waiter()
        self.queue.append((waiter, task, self._clock()))
        return waiter

    def abort(self, waiter: Waiter, give_back: Callable[[T], object]) -> None:
        """Do what `park` does when waiting ended in an exception."""
        if waiter.done() and not waiter.cancelled():
            if waiter.exception() is None:
                # Granted, and cancelled natively before this task could run: the grant goes on to the next.
                give_back(waiter.result())
            return
        waiter.cancel()  # it is pending yet if the coroutine was closed
        self._count_dead()

    def _count_dead(self) -> None:
        self._dead += 1
        if self._dead * 2 > len(self.queue):
            self._bury()

    def _bury(self) -> None:
        """Let the dead leave the queue; done when they are most of it, so that each costs the same."""
        before = len(self.queue)
        self.queue = deque(entry for entry in self.queue if not entry[0].done())
        self._dead -= before - len(self.queue)

    def unpark(self, value: T) -> Task | None:
        """Wake the first task that waits and hand it *value*; give the task, or None if nobody waits.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        if self.loop is None:
            self.check_loop("waking a task")  # of `same_loop_as`
            return None
        try:
            same_loop = self.current_loop() is self.loop
        except RuntimeError:
            same_loop = False
        if not same_loop:
            self.check_loop("waking a task")
        queue = self.queue
        while queue:  # what `wake_first` does, without the call
            waiter, task, _ = queue.popleft()
            if not waiter.done():
                waiter.set_result(value)
                return task
            self._dead -= 1
        return None

    def wake_first(self, value: T) -> Task | None:
        """Do what `unpark` does, for a caller that has made sure of the event loop."""
        queue = self.queue
        while queue:
            waiter, task, _ = queue.popleft()
            if not waiter.done():
                waiter.set_result(value)
                return task
            self._dead -= 1
        return None

    def wake(self, waiter: Waiter, value: T) -> None:
        """Wake the one with this waiter, out of turn; nothing happens if it waits no longer.

        For an object that knows who waits for what, and whose tasks wait by `enqueue`: one lot is enough for
        many things. The caller has made sure of the event loop.
        """
        if waiter.done():
            return
        waiter.set_result(value)
        if self.queue[0][0] is waiter:
            self.queue.popleft()
        else:
            self._count_dead()

    def move_first(self, lot: "ParkingLot[Any]") -> Waiter | None:
        """Let the first task that waits here wait in *lot* instead, without waking it, and give its waiter.

        None if no task waits. For an object with two lots (`same_loop_as`) whose tasks wait by `enqueue`. A
        task that is interrupted calls `abort` of the lot that it waits in by then.
        """
        queue = self.queue
        while queue:
            waiter, task, _ = queue.popleft()
            if not waiter.done():
                if lot._backend is None:
                    lot.bind()
                lot.queue.append((waiter, task, lot._clock()))
                return waiter
            self._dead -= 1
        return None

    def unpark_all(self, value: T) -> int:
        """Wake all tasks that wait now, hand each *value*, and give their number.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_loop("waking all tasks")
        queue, self.queue = self.queue, deque()
        woken = 0
        for waiter, _, _ in queue:
            if not waiter.done():
                waiter.set_result(value)
                woken += 1
        self._dead -= len(queue) - woken
        return woken

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """Wake all who wait; in each, `park` raises what *error* gives.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_loop("waking all tasks")
        self._bury()
        while self.queue:
            self.queue.popleft()[0].set_exception(error())

    def oldest(self) -> float:
        """Since when the first waits, in seconds on the event loop's clock; infinity if nobody does."""
        return next((since for waiter, _, since in self.queue if not waiter.done()), math.inf)

    def latest(self) -> float:
        """When the last one joined, in seconds on the event loop's clock; to be asked at once after that."""
        return self.queue[-1][2]

    def first(self) -> Task | None:
        """Return the task that waits longest, or None."""
        return next((task for waiter, task, _ in self.queue if not waiter.done()), None)

    def tasks(self) -> tuple[Task, ...]:
        """Return all tasks that wait, in order of arrival."""
        return tuple(task for waiter, task, _ in self.queue if not waiter.done())

    def holders(self) -> Iterable[object]:
        """Return those who hold at the moment what tasks wait for here; a subclass may know better."""
        return self._holders()

    def parked(self) -> list[ParkedTask]:
        """Describe all who wait, in order of arrival."""
        held_by = tuple(map(name_of, self.holders()))
        return [
            ParkedTask(name_of(task), self._name, since, held_by)
            for waiter, task, since in self.queue
            if not waiter.done()
        ]

    def bind(self) -> None:
        super().bind()
        backend = self._backend
        assert backend is not None
        self._clock = backend.clock_of(self.loop)
        self._current_task = backend.current_task
        self._make_waiter = backend.make_ticket
        remember(self)
