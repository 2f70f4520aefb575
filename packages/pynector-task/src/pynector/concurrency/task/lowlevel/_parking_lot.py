"""The one place that suspends tasks."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ._backend import Queue, Task, Ticket, name_of
from ._parked import ParkedTask, remember
from ._resident import Resident

T = TypeVar("T")


class ParkingLot(Resident, Generic[T]):
    """Tasks that wait, first come, first served: `park` waits, `unpark` wakes the first and hands it a value.

    The idea and the name are trio's. A lot keeps no state of its own but who waits: what they wait for is
    plain bookkeeping of the object built on it, which decides synchronously and calls `unpark`.

    A lot belongs to the event loop in which a task first parks. From then on `park`, `unpark` and
    `check_home` raise `RuntimeError` in another loop or thread.

    Args:
        waits_for: What tasks wait for here, in a word or two: it stands in errors and in `parked_tasks()`.
        holders: Gives those who hold it now, tasks or anything else; asked only for `parked_tasks()`.
        beside: Another lot of the same object, or the `Resident` that the object is: both belong to one event
            loop, as soon as one of them does.

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
        "_make_ticket",
        "queue",
    )

    # The backend's own functions, kept where the hot paths find them at once.
    _clock: Callable[[], float]
    _current_task: Callable[[], Task | None]
    _make_ticket: Callable[[], Ticket]

    def __init__(
        self,
        waits_for: str,
        *,
        holders: Callable[[], Iterable[object]] = tuple,
        beside: Resident | None = None,
    ) -> None:
        super().__init__(waits_for, beside)
        self._holders = holders
        self.queue: Queue = deque()
        """Who waits, to look at: while it is empty nobody does, and to see that costs less than `len`.

        In order of arrival, with those that were cancelled: taking these out of the middle at once would cost
        as much as there are.
        """
        # Invariant: of the tickets whose tasks were cancelled and have run since, or which were woken out of
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
        ticket = self.queue_up()
        try:
            return await ticket  # type: ignore[no-any-return]
        except BaseException:
            self.leave(ticket, give_back)
            raise

    def queue_up(self, task: Task | None = None) -> Ticket:
        """Do what `park` does before it waits, for a hot path that saves a coroutine by waiting itself.

        It awaits the ticket, at once, calls `leave` if that raises anything at all, and re-raises.

        Args:
            task: The running task, where the caller knows it already.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        if self._backend is None:
            self.move_in()
        try:
            if task is None:
                task = self._current_task()
            at_home = task is not None and self.current_loop() is self.home
        except RuntimeError:  # no such event loop runs here
            at_home, task = False, None
        if not at_home:
            self.refuse_stranger("waiting")
        ticket = self._make_ticket()
        self.queue.append((ticket, task, self._clock()))
        return ticket

    def leave(self, ticket: Ticket, give_back: Callable[[T], object]) -> None:
        """Do what `park` does when waiting ended in an exception."""
        if ticket.done() and not ticket.cancelled():
            if ticket.exception() is None:
                # Granted, and cancelled natively before this task could run: the grant goes on to the next.
                give_back(ticket.result())
            return
        ticket.cancel()  # it is pending yet if the coroutine was closed
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
        if self.home is None:
            self.check_home("waking a task")  # of the one beside
            return None
        try:
            at_home = self.current_loop() is self.home
        except RuntimeError:
            at_home = False
        if not at_home:
            self.check_home("waking a task")
        queue = self.queue
        while queue:  # what `wake_first` does, without the call
            ticket, task, _ = queue.popleft()
            if not ticket.done():
                ticket.set_result(value)
                return task
            self._dead -= 1
        return None

    def wake_first(self, value: T) -> Task | None:
        """Do what `unpark` does, for a caller that has made sure of the event loop."""
        queue = self.queue
        while queue:
            ticket, task, _ = queue.popleft()
            if not ticket.done():
                ticket.set_result(value)
                return task
            self._dead -= 1
        return None

    def wake(self, ticket: Ticket, value: T) -> None:
        """Wake the one with this ticket, out of turn; nothing happens if it waits no longer.

        For an object that knows who waits for what, and whose tasks wait by `queue_up`: one lot is enough for
        many things. The caller has made sure of the event loop.
        """
        if ticket.done():
            return
        ticket.set_result(value)
        if self.queue[0][0] is ticket:
            self.queue.popleft()
        else:
            self._count_dead()

    def move_first(self, lot: "ParkingLot[Any]") -> Ticket | None:
        """Let the first task that waits here wait in *lot* instead, without waking it, and give its ticket.

        None means that none waits. For an object with two lots, one *beside* the other, whose tasks wait by
        `queue_up`. A task that is interrupted calls `leave` of the lot that it waits in then.
        """
        queue = self.queue
        while queue:
            ticket, task, _ = queue.popleft()
            if not ticket.done():
                if lot._backend is None:
                    lot.move_in()
                lot.queue.append((ticket, task, lot._clock()))
                return ticket
            self._dead -= 1
        return None

    def unpark_all(self, value: T) -> int:
        """Wake all tasks that wait now, hand each *value*, and give their number.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        queue, self.queue = self.queue, deque()
        woken = 0
        for ticket, _, _ in queue:
            if not ticket.done():
                ticket.set_result(value)
                woken += 1
        self._dead -= len(queue) - woken
        return woken

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """Wake all who wait; in each, `park` raises what *error* gives.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        self._bury()
        while self.queue:
            self.queue.popleft()[0].set_exception(error())

    def oldest(self) -> float:
        """Since when the first waits, in seconds on the event loop's clock; infinity if nobody does."""
        return next((since for ticket, _, since in self.queue if not ticket.done()), math.inf)

    def latest(self) -> float:
        """When the last one joined, in seconds on the event loop's clock; to be asked at once after that."""
        return self.queue[-1][2]

    def first(self) -> Task | None:
        """Return the task that waits longest, or None."""
        return next((task for ticket, task, _ in self.queue if not ticket.done()), None)

    def tasks(self) -> tuple[Task, ...]:
        """Return all tasks that wait, in order of arrival."""
        return tuple(task for ticket, task, _ in self.queue if not ticket.done())

    def holders(self) -> Iterable[object]:
        """Return those who hold at the moment what tasks wait for here; a subclass may know better."""
        return self._holders()

    def parked(self) -> list[ParkedTask]:
        """Describe all who wait, in order of arrival."""
        held_by = tuple(map(name_of, self.holders()))
        return [
            ParkedTask(name_of(task), self._name, since, held_by)
            for ticket, task, since in self.queue
            if not ticket.done()
        ]

    def move_in(self) -> None:
        super().move_in()
        backend = self._backend
        assert backend is not None
        self._clock = backend.clock_of(self.home)
        self._current_task = backend.current_task
        self._make_ticket = backend.make_ticket
        remember(self)
