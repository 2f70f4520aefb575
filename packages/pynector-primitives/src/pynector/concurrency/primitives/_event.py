"""The event."""

from typing import NoReturn

from pynector.concurrency.task.lowlevel import ParkingLot, checkpoint

from ._statistics import EventStatistics


class Event:
    """A flag that is set once, and tasks that wait for it.

    An event is not cleared: make a new one. For something that happens again and again use `Condition`.

    Once a task has waited, the event belongs to that event loop: `set` and `wait` raise `RuntimeError` in
    another loop or thread.

    Example:
        ```python
        import anyio
        from pynector.concurrency.primitives import Event

        async def main() -> None:
            ready = Event()
            async with anyio.create_task_group() as tg:
                tg.start_soon(ready.wait)
                ready.set()

        anyio.run(main)
        ```
    """

    __slots__ = ("__weakref__", "_lot", "_set")

    def __init__(self) -> None:
        self._lot: ParkingLot[None] = ParkingLot("Event")
        self._set = False

    def __repr__(self) -> str:
        return f"<Event {'set' if self._set else 'not set'}, {len(self._lot)} waiting>"

    def __bool__(self) -> NoReturn:
        """Refuse: an event has no truth value, which could only be forgotten to ask for."""
        raise TypeError("an Event is neither true nor false; use event.is_set()")

    def set(self) -> None:
        """Set the flag and wake all waiters. Nothing happens if it is set already.

        A waiter that was woken returns normally, even if its scope is cancelled before it runs.

        Raises:
            RuntimeError: this is not the event loop that the event belongs to.
        """
        self._lot.check_loop("set")
        if not self._set:
            self._set = True
            self._lot.unpark_all(None)

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._set

    async def wait(self) -> None:
        """Wait until the flag is set. If cancelled, nothing changes.

        A checkpoint, also when it is set already.

        Raises:
            RuntimeError: this is not the event loop that the event belongs to.
        """
        if self._set:
            self._lot.check_loop("wait")
            await checkpoint()
        else:
            waiter = self._lot.enqueue()
            try:
                await waiter  # what `park` does, without the coroutine
            except BaseException:
                self._lot.abort(waiter, _keep)
                raise

    def statistics(self) -> EventStatistics:
        """Return the waiters."""
        waiters = tuple(self._lot.parked())
        return EventStatistics(len(waiters), waiters)


def _keep(_: None) -> None:
    """A waiter that is cancelled takes nothing along: the flag stays set for all."""
