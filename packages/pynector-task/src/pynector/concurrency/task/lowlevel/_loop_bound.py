"""What belongs to one event loop."""

import threading
from collections.abc import Callable
from typing import NoReturn

from anyio import NoEventLoopError

from ._backend import Backend, backend_here


class LoopBound:
    """Belongs to the event loop that it is bound to, and refuses others from then on.

    Args:
        name: What it is called in errors.
        same_loop_as: Another one that belongs to the same loop; both are bound as soon as one of them is.
    """

    __slots__ = ("_backend", "_name", "_same_loop_as", "_thread", "current_loop", "loop")

    current_loop: Callable[[], object]
    """Returns the event loop that runs here, or raises `RuntimeError`; there once it has been bound.

    A hot path asks `current_loop() is loop`, and only if not `check_loop`.
    """

    def __init__(self, name: str, same_loop_as: "LoopBound | None" = None) -> None:
        self._name = name
        self._same_loop_as = same_loop_as
        self._backend: Backend | None = None
        self.loop: object = None
        """The event loop that it belongs to; None until it has been bound."""
        self._thread: threading.Thread | None = None

    def bind(self) -> None:
        """Bind to the running event loop, or to that of `same_loop_as`.

        Raises:
            anyio.NoEventLoopError: no task runs in this thread.
            RuntimeError: `same_loop_as` belongs to another event loop.
        """
        first = self._same_loop_as
        if first is None:
            backend = backend_here()
            self.loop, self._thread = backend.current_loop(), threading.current_thread()
        else:
            if first.loop is None:
                first.bind()
            first.check_loop("waiting")
            assert first._backend is not None
            backend, self.loop, self._thread = first._backend, first.loop, first._thread
        self._backend = backend
        self.current_loop = backend.current_loop

    def check_loop(self, doing: str) -> None:
        """Make sure that this is the event loop that it belongs to, if it has been bound.

        With no loop running it is enough to be in the right thread.

        Args:
            doing: What the caller is about to do, for the error's text.

        Raises:
            RuntimeError: it is another loop, or another thread; names both threads.
        """
        if self.loop is None:
            if self._same_loop_as is not None:
                self._same_loop_as.check_loop(doing)
            return
        try:
            if self.current_loop() is self.loop:
                return
        except RuntimeError:  # no such event loop runs here
            if threading.current_thread() is self._thread and not _any_task_runs():
                return  # between two runs of the same loop, or after its end
        self.raise_wrong_loop(doing)

    def raise_wrong_loop(self, doing: str) -> NoReturn:
        """Say that this is another loop or thread than that it belongs to."""
        assert self._thread is not None
        raise_wrong_loop(self._name, doing, self._thread)


def raise_wrong_loop(what: str, doing: str, owner: threading.Thread) -> NoReturn:
    """Say that this is another loop or thread than the one, of thread *owner*, that *what* belongs to."""
    here = threading.current_thread()
    if here is not owner:
        raise RuntimeError(
            f"{what}: {doing} in thread {here.name!r}; it belongs to the event loop of thread"
            f" {owner.name!r}; use anyio.from_thread.run_sync() or anyio.from_thread.run()"
        )
    raise RuntimeError(
        f"{what}: {doing} in another event loop than the one it first waited in"
        f" (both in thread {owner.name!r}); make a new {what} for each event loop"
    )


def raise_wrong_thread(what: str, doing: str, owner: int) -> NoReturn:
    """Say that this is another thread than the one, of the identifier *owner*, that *what* belongs to."""
    name = next((thread.name for thread in threading.enumerate() if thread.ident == owner), "that has ended")
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
