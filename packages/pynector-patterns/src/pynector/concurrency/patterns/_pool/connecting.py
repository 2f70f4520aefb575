"""How a connection is entered and closed, and how soon a failing factory is called again."""

import math
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from inspect import isawaitable
from typing import Generic, TypeVar

from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import raise_unchanged

from .background import BackgroundTask

C = TypeVar("C")

METHODS = ("aclose", "close", "disconnect")
"""In this order: where there are both, the sync `close` is often deprecated, or closes only halfway."""


class ContextTask(Generic[C]):
    """Enters the context manager of one connection, and leaves it, in one task.

    Scopes and task groups that the connection keeps open inside must be left where they were entered, and
    not within a scope of whoever happened to be the first to need the connection.

    Args:
        manager: The context manager, sync or async.
        broken: Called if the block ends by itself, before it was asked to, with the error if there is one;
            returns whether that is reported now, so that closing the connection need not report it again.
        running: Where the task is found while it runs.

    Attributes:
        task: The task; the connection is closed when that has ended, and not before.
    """

    __slots__ = ("_broken", "_connection", "_error", "_leave", "_manager", "_opened", "_scope", "task")

    _connection: C

    def __init__(
        self,
        manager: AbstractAsyncContextManager[C] | AbstractContextManager[C],
        broken: Callable[[BaseException | None], bool],
        running: set[object],
    ) -> None:
        self._manager = manager
        self._broken = broken
        self._opened = Event()
        self._leave = Event()
        self._scope = CancelScope()
        self._error: BaseException | None = None
        self.task: BackgroundTask = BackgroundTask(self._own, "ConnectionPool.connection", running)
        self.task.when_ended(self._end)

    async def open(self) -> C:
        """Wait until the context manager is entered, and return what it returns."""
        await self._opened.wait()
        if self.task.has_ended:
            self._raise_error()
            raise ConnectionError("the context manager of the connection ended at once")
        return self._connection

    async def close(self) -> None:
        """Leave the context manager. If cancelled, leaving it is cancelled, and awaited all the same."""
        self._leave.set()
        try:
            await self.task.wait()
        except BaseException:
            self.cancel()
            with CancelScope(shield=True):
                await self.task.wait()
            raise
        self._raise_error()

    def give_up(self) -> None:
        """Leave the context manager, or stop entering it."""
        if not self._opened.is_set():
            self.cancel()
        self._leave.set()

    def cancel(self) -> None:
        """Cancel whatever the context manager does."""
        self._scope.cancel()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            try:
                raise_unchanged(error)
            finally:
                del error, self  # the error's traceback holds this frame: no cycle

    async def _own(self) -> None:
        try:
            with self._scope:
                await self._hold()
        except (KeyboardInterrupt, get_cancelled_exc_class()):
            raise
        except BaseException as error:  # a task of its own: whoever opens or closes raises it
            self._error = error

    async def _hold(self) -> None:
        async with AsyncExitStack() as stack:
            if isinstance(self._manager, AbstractAsyncContextManager):
                self._connection = await stack.enter_async_context(self._manager)
            else:
                self._connection = stack.enter_context(self._manager)
            self._opened.set()
            await self._leave.wait()

    def _end(self) -> None:
        broken = self._opened.is_set() and not self._leave.is_set()
        self._opened.set()
        if broken and self._broken(self._error):
            self._error = None


class Backoff:
    """Counts failures in a row, and decides when the factory may be tried again.

    The pause is for those who can wait: tasks that wait for a connection already, and the task that opens
    connections ahead. The first failure costs nothing: it may be the one connection. From the second on the
    pause doubles, up to two seconds, less a random part, so that many pools do not come back at once.
    """

    __slots__ = ("_failures", "_until", "error")

    FIRST, LONGEST = 0.05, 2.0

    def __init__(self) -> None:
        self._failures = 0
        self._until = -math.inf
        self.error: Exception | None = None
        """What the factory failed with last; None after it has opened a connection."""

    def succeeded(self) -> None:
        """The factory has opened a connection."""
        self._failures = 0
        self._until = -math.inf
        self.error = None

    def begin(self) -> int:
        """Return, as the factory is called, the number that `failed` needs."""
        return self._failures

    def failed(self, begun: int, error: Exception, now: float) -> None:
        """The factory failed. Calls that were under way together count as one, and those in a pause as none.

        So the pause grows with the time that the factory has been failing, however many call it.
        """
        self.error = error
        if begun and now < self._until:
            return
        self._failures = begun + 1
        if begun:
            pause = min(self.LONGEST, self.FIRST * 2.0 ** min(begun - 1, 10))
            self._until = now + pause * random.uniform(0.5, 1.0)

    def left(self, now: float) -> float:
        """Return the seconds to wait yet; zero or less if the factory may be called."""
        return self._until - now


def closer_of(connection: object) -> Callable[[], Awaitable[object]]:
    """Return an async function that closes *connection*; without any of the `METHODS` it does nothing."""

    async def close() -> None:
        method = _close_method(connection)
        if method is not None:
            done = method()
            if isawaitable(done):
                await done

    return close


def _close_method(connection: object) -> Callable[[], object] | None:
    error: Exception | None = None
    for name in METHODS:
        try:
            method: object = getattr(connection, name, None)
        except Exception as raised:  # a property that fails: another of them may work
            error = error or raised
        else:
            if callable(method):
                return method
    if error is not None:
        raise error
    return None
