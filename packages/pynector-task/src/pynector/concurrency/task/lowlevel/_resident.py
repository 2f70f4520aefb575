"""What belongs to one event loop."""

import threading
from collections.abc import Callable
from typing import NoReturn

from anyio import NoEventLoopError

from ._backend import Backend, backend_here


class Resident:
    """Belongs to the event loop in which it moves in, and refuses others from then on.

    Args:
        name: What it is called in errors.
        beside: Another one that belongs to the same loop, as soon as one of the two does.
    """

    __slots__ = ("_backend", "_beside", "_name", "_thread", "current_loop", "home")

    current_loop: Callable[[], object]
    """Gives the event loop that runs here, or raises `RuntimeError`; there once it has moved in.

    A hot path asks `current_loop() is home`, and only if not `check_home`.
    """

    def __init__(self, name: str, beside: "Resident | None" = None) -> None:
        self._name = name
        self._beside = beside
        self._backend: Backend | None = None
        self.home: object = None
        """The event loop that it belongs to; None until it has moved in."""
        self._thread: threading.Thread | None = None

    def move_in(self) -> None:
        """Belong to the event loop that runs here, or to that of the one beside it.

        Raises:
            anyio.NoEventLoopError: no task runs in this thread.
            RuntimeError: the one beside it belongs to another event loop.
        """
        first = self._beside
        if first is None:
            backend = backend_here()
            self.home, self._thread = backend.current_loop(), threading.current_thread()
        else:
            if first.home is None:
                first.move_in()
            first.check_home("waiting")
            assert first._backend is not None
            backend, self.home, self._thread = first._backend, first.home, first._thread
        self._backend = backend
        self.current_loop = backend.current_loop

    def check_home(self, doing: str) -> None:
        """Make sure that this is the event loop that it belongs to, if it has moved in.

        With no loop running it is enough to be in the right thread.

        Args:
            doing: What the caller is about to do, for the error's text.

        Raises:
            RuntimeError: it is another loop, or another thread; names both threads.
        """
        if self.home is None:
            if self._beside is not None:
                self._beside.check_home(doing)
            return
        try:
            if self.current_loop() is self.home:
                return
        except RuntimeError:  # no such event loop runs here
            if threading.current_thread() is self._thread and not _any_task_runs():
                return  # between two runs of the same loop, or after its end
        self.refuse_stranger(doing)

    def refuse_stranger(self, doing: str) -> NoReturn:
        """Say that this is another loop or thread than that it belongs to."""
        assert self._thread is not None
        refuse_stranger(self._name, doing, self._thread)


def refuse_stranger(what: str, doing: str, home: threading.Thread) -> NoReturn:
    """Say that this is another loop or thread than the one, of thread *home*, that *what* belongs to."""
    here = threading.current_thread()
    if here is not home:
        raise RuntimeError(
            f"{what}: {doing} in thread {here.name!r}; it belongs to the event loop of thread"
            f" {home.name!r}; use anyio.from_thread.run_sync() or anyio.from_thread.run()"
        )
    raise RuntimeError(
        f"{what}: {doing} in another event loop than the one it first waited in"
        f" (both in thread {home.name!r}); make a new {what} for each event loop"
    )


def refuse_thread(what: str, doing: str, home: int) -> NoReturn:
    """Say that this is another thread than the one, of the identifier *home*, that *what* belongs to."""
    name = next((thread.name for thread in threading.enumerate() if thread.ident == home), "that has ended")
    raise RuntimeError(
        f"{what}: {doing} in thread {threading.current_thread().name!r}; it belongs to the event loop of"
        f" thread {name!r}; use anyio.from_thread.run_sync() or anyio.from_thread.run()"
    )


def _any_task_runs() -> bool:
    try:
        backend_here()
    except NoEventLoopError:
        return False
    return True
