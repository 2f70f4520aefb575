"""The task that a connection lives in."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from typing import Generic, TypeVar

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import spawn_owner

C = TypeVar("C")


class Owner(Generic[C]):
    """Enters the context manager of one connection, and leaves it in the same task.

    Scopes and task groups that the connection keeps open inside must be left where they were entered, and
    not within a scope of whoever happened to be the first to need the connection.

    Args:
        manager: The context manager, sync or async.
        close_timeout: Seconds that an attempt to open it has to end after it was cancelled.
        broken: Called if the block ends by itself, before `close` was called, with the error if there is one.
    """

    __slots__ = (
        "_broken",
        "_close_timeout",
        "_connection",
        "_ended",
        "_error",
        "_leave",
        "_manager",
        "_opened",
        "_scope",
    )

    _connection: C

    def __init__(
        self,
        manager: AbstractAsyncContextManager[C] | AbstractContextManager[C],
        close_timeout: float,
        broken: Callable[[BaseException | None], object],
    ) -> None:
        self._manager = manager
        self._close_timeout = close_timeout
        self._broken = broken
        self._opened = Event()
        self._leave = Event()
        self._ended = Event()
        self._scope = CancelScope()
        self._error: Exception | None = None

    async def open(self) -> C:
        """Enter the context manager, and give what it gives. If cancelled, it is left again."""
        spawn_owner(self._own, name="ConnectionPool.connection")
        try:
            await self._opened.wait()
        except BaseException:
            self._scope.cancel()
            with move_on_after(self._close_timeout, shield=True):
                await self._ended.wait()
            raise
        if self._ended.is_set():
            raise self._error or ConnectionError("the context manager of the connection ended at once")
        return self._connection

    async def close(self) -> None:
        """Leave the context manager. If cancelled, leaving it is cancelled."""
        self._leave.set()
        try:
            await self._ended.wait()
        except BaseException:
            self._scope.cancel()
            raise
        if self._error is not None:
            raise self._error

    async def _own(self) -> None:
        try:
            with self._scope:
                await self._hold()
        except Exception as error:  # a task of its own: whoever opens or closes raises it
            self._error = error
        finally:
            broken = self._opened.is_set() and not self._leave.is_set()
            self._opened.set()
            self._ended.set()
        if broken:
            self._broken(self._error)

    async def _hold(self) -> None:
        async with AsyncExitStack() as stack:
            if isinstance(self._manager, AbstractAsyncContextManager):
                self._connection = await stack.enter_async_context(self._manager)
            else:
                self._connection = stack.enter_context(self._manager)
            self._opened.set()
            await self._leave.wait()
