"""The one place that suspends tasks."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from anyio import NoEventLoopError
from anyio.lowlevel import RunVar

from ._backend import Backend, Task, Tickets, backend_here, name_of
from ._parked_task import ParkedTask

T = TypeVar("T")

_lots: RunVar["WeakSet[ParkingLot[Any]]"] = RunVar("pynector_parking_lots")


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

    __slots__ = ("__weakref__", "_backend", "_holders", "_thread", "_tickets", "_waits_for", "home")

    def __init__(self, waits_for: str, *, holders: Callable[[], Iterable[object]] = tuple) -> None:
        self._waits_for = waits_for
        self._holders = holders
        self._tickets: Tickets = OrderedDict()
        self._backend: Backend | None = None
        self.home: object = None
        """The event loop that the lot belongs to; None until a task has waited in it."""
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """The number of tasks that wait. One that was cancelled counts until it has run."""
        return len(self._tickets)

    def __repr__(self) -> str:
        return f"<ParkingLot of {self._waits_for}, {len(self)} waiting>"

    def park(self, give_back: Callable[[T], object]) -> Coroutine[Any, Any, T]:
        """Wait until `unpark` comes to this task, and give the value that was handed over.

        A checkpoint, always. If cancelled while waiting, the task leaves the queue. If cancelled natively
        (`asyncio.Task.cancel()`) after the value was handed over, but before the task could run,
        *give_back* is called with it, synchronously, and the cancellation goes on: so nothing is lost.

        Args:
            give_back: Takes the value back, usually by handing it to the next who waits. Must not raise.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        if self._backend is None:
            self._move_in()
        else:
            self.check_home("waiting")
        assert self._backend is not None
        return self._backend.park(self._tickets, give_back)

    def unpark(self, value: T) -> Task | None:
        """Wake the first task that waits and hand it *value*; give the task, or None if nobody waits.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking a task")
        tickets = self._tickets
        while tickets:
            ticket, (task, _) = tickets.popitem(last=False)
            if not ticket.done():  # else cancelled, and its task has not run since
                ticket.set_result(value)
                return task
        return None

    def unpark_all(self, value: T) -> int:
        """Wake all tasks that wait now, hand each *value*, and give their number.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        waiting = [ticket for ticket in self._tickets if not ticket.done()]
        self._tickets.clear()
        for ticket in waiting:
            ticket.set_result(value)
        return len(waiting)

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """Wake all who wait; in each, `park` raises what *error* gives.

        Raises:
            RuntimeError: this is not the event loop that the lot belongs to.
        """
        self.check_home("waking all tasks")
        waiting = [ticket for ticket in self._tickets if not ticket.done()]
        self._tickets.clear()
        for ticket in waiting:
            ticket.set_exception(error())

    def first(self) -> Task | None:
        """Give the task that waits longest, or None."""
        return next((task for task, _ in self._tickets.values()), None)

    def tasks(self) -> tuple[Task, ...]:
        """Give all tasks that wait, in order of arrival."""
        return tuple(task for task, _ in self._tickets.values())

    def holders(self) -> Iterable[object]:
        """Give those who hold at the moment what tasks wait for here; a subclass may know better."""
        return self._holders()

    def parked(self) -> list[ParkedTask]:
        """Describe all who wait, in order of arrival."""
        held_by = tuple(map(name_of, self.holders()))
        return [
            ParkedTask(name_of(task), self._waits_for, since, held_by)
            for task, since in self._tickets.values()
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
            running = True
        except RuntimeError:
            running = False
        self._refuse_stranger(doing, running)

    def _refuse_stranger(self, doing: str, running: bool) -> None:
        assert self._thread is not None
        here, home = threading.current_thread(), self._thread
        what = self._waits_for
        if here is not home:
            raise RuntimeError(
                f"{what}: {doing} in thread {here.name!r}; it belongs to the event loop of thread"
                f" {home.name!r}; use anyio.from_thread.run_sync() or anyio.from_thread.run()"
            )
        if not running and not _any_task_runs():
            return  # between two runs of the same loop, or after its end
        raise RuntimeError(
            f"{what}: {doing} in another event loop than the one it first waited in"
            f" (both in thread {home.name!r}); make a new {what} for each event loop"
        )

    def _move_in(self) -> None:
        backend = backend_here()
        self.home = backend.current_loop()
        self._thread = threading.current_thread()
        self._backend = backend
        lots = _lots.get(None)
        if lots is None:
            lots = WeakSet[ParkingLot[Any]]()
            _lots.set(lots)
        lots.add(self)


def _any_task_runs() -> bool:
    try:
        backend_here()
    except NoEventLoopError:
        return False
    return True


def parked_tasks() -> list[ParkedTask]:
    """Tell who waits for what in this event loop, since when, and held by whom; longest wait first.

    It sees all that waits in pynector's primitives and patterns, and in every `ParkingLot` of your own.
    """
    lots = _lots.get(None) or ()
    return sorted((parked for lot in lots for parked in lot.parked()), key=lambda parked: parked.since)
