"""The one place that suspends tasks."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, NoReturn, TypeVar

from anyio import NoEventLoopError

from ._backend import Backend, Queue, Task, Ticket, backend_here, name_of
from ._known_lots import remember
from ._parked_task import ParkedTask

T = TypeVar("T")


class ParkingLot(Generic[T]):
    """Tasks that wait, first come, first served: `park` waits, `unpark` wakes the first and hands it a value.

    The idea and the name are trio's. A lot keeps no state of its own but who waits: what they wait for is
    plain bookkeeping of the object built on it, which decides synchronously and calls `unpark`.

    A lot belongs to the event loop in which a task first parks. From then on `park`, `unpark` and
    `check_home` raise `RuntimeError` in another loop or thread.

    Args:
        waits_for: What tasks wait for here, in a word or two: it stands in errors and in `parked_tasks()`.
        holders: Gives those who hold it now, tasks or anything else; asked only for `parked_tasks()`.

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

    __slots__ = ("__weakref__", "_backend", "_dead", "_holders", "_queue", "_thread", "_waits_for", "home")

    def __init__(self, waits_for: str, *, holders: Callable[[], Iterable[object]] = tuple) -> None:
        self._waits_for = waits_for
        self._holders = holders
        # In order of arrival, with those that were cancelled: taking these out of the middle at once would
        # cost as much as there are.
        self._queue: Queue = deque()
        # Invariant: of the tickets whose tasks were cancelled and have run since, those in the queue, less
        # those that left it before their tasks ran.
        self._dead = 0
        self._backend: Backend | None = None
        self.home: object = None
        """The event loop that the lot belongs to; None until a task has waited in it."""
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """The number of tasks that wait. One that was cancelled counts until it has run.

        To decide whether a task must wait, look at what is free, not here: one that waits because another,
        cancelled one still counts is woken by nobody.
        """
        return len(self._queue) - self._dead

    def __repr__(self) -> str:
        return f"<ParkingLot of {self._waits_for}, {len(self)} waiting>"

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

    def queue_up(self) -> Ticket:
        """Do what `park` does before it waits, for a hot path that saves a coroutine by waiting itself.

        It awaits the ticket, at once, calls `leave` if that raises anything at all, and re-raises.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        backend = self._backend or self._move_in()
        try:
            ticket = backend.join(self._queue, self.home)
        except RuntimeError:  # no such event loop runs here
            ticket = None
        if ticket is None:
            self._refuse_stranger("waiting")
        return ticket

    def leave(self, ticket: Ticket, give_back: Callable[[T], object]) -> None:
        """Do what `park` does when waiting ended in an exception."""
        if ticket.done() and not ticket.cancelled():
            if ticket.exception() is None:
                # Granted, and cancelled natively before this task could run: the grant goes on to the next.
                give_back(ticket.result())
            return
        ticket.cancel()  # it is pending yet if the coroutine was closed
        self._dead += 1
        if self._dead * 2 > len(self._queue):
            self._bury()

    def _bury(self) -> None:
        """Let the cancelled leave the queue; done when they are most of it, so that each costs the same."""
        before = len(self._queue)
        self._queue = deque(entry for entry in self._queue if not entry[0].done())
        self._dead -= before - len(self._queue)

    def unpark(self, value: T) -> Task | None:
        """Wake the first task that waits and hand it *value*; give the task, or None if nobody waits.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking a task")
        return self.wake_first(value)

    def wake_first(self, value: T) -> Task | None:
        """Do what `unpark` does, for a caller that has made sure of the event loop."""
        queue = self._queue
        while queue:
            ticket, task, _ = queue.popleft()
            if not ticket.done():
                ticket.set_result(value)
                return task
            self._dead -= 1
        return None

    def unpark_all(self, value: T) -> int:
        """Wake all tasks that wait now, hand each *value*, and give their number.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        self._bury()
        queue, self._queue = self._queue, deque()
        for ticket, _, _ in queue:
            ticket.set_result(value)
        return len(queue)

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """Wake all who wait; in each, `park` raises what *error* gives.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        self._bury()
        while self._queue:
            self._queue.popleft()[0].set_exception(error())

    def watch_exit(self, task: Task, callback: Callable[[Task], None]) -> None:
        """Do what the function `watch_exit` does, without its checks: for a task that was just woken here."""
        assert self._backend is not None
        self._backend.watch_exit(task, callback)

    def first(self) -> Task | None:
        """Give the task that waits longest, or None."""
        return next((task for ticket, task, _ in self._queue if not ticket.done()), None)

    def tasks(self) -> tuple[Task, ...]:
        """Give all tasks that wait, in order of arrival."""
        return tuple(task for ticket, task, _ in self._queue if not ticket.done())

    def holders(self) -> Iterable[object]:
        """Give those who hold at the moment what tasks wait for here; a subclass may know better."""
        return self._holders()

    def parked(self) -> list[ParkedTask]:
        """Describe all who wait, in order of arrival."""
        held_by = tuple(map(name_of, self.holders()))
        return [
            ParkedTask(name_of(task), self._waits_for, since, held_by)
            for ticket, task, since in self._queue
            if not ticket.done()
        ]

    def check_home(self, doing: str) -> None:
        """Make sure that this is the event loop that the lot belongs to, if it belongs to one yet.

        With no loop running it is enough to be in the right thread.

        Args:
            doing: What the caller is about to do, for the error's text.

        Raises:
            RuntimeError: it is another loop, or another thread; names both threads.
        """
        if self._backend is None:
            return
        try:
            if self._backend.current_loop() is self.home:
                return
        except RuntimeError:  # no such event loop runs here
            if threading.current_thread() is self._thread and not _any_task_runs():
                return  # between two runs of the same loop, or after its end
        self._refuse_stranger(doing)

    def _refuse_stranger(self, doing: str) -> NoReturn:
        assert self._thread is not None
        here, home = threading.current_thread(), self._thread
        what = self._waits_for
        if here is not home:
            raise RuntimeError(
                f"{what}: {doing} in thread {here.name!r}; it belongs to the event loop of thread"
                f" {home.name!r}; use anyio.from_thread.run_sync() or anyio.from_thread.run()"
            )
        raise RuntimeError(
            f"{what}: {doing} in another event loop than the one it first waited in"
            f" (both in thread {home.name!r}); make a new {what} for each event loop"
        )

    def _move_in(self) -> Backend:
        backend = backend_here()
        self.home = backend.current_loop()
        self._thread = threading.current_thread()
        self._backend = backend
        remember(self)
        return backend


def _any_task_runs() -> bool:
    try:
        backend_here()
    except NoEventLoopError:
        return False
    return True
