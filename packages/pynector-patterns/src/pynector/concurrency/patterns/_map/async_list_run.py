"""A bounded map whose items come asynchronously, and whose results are kept in a list."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

from anyio import get_cancelled_exc_class

from pynector.concurrency.primitives import Semaphore
from pynector.concurrency.task import TaskGroup, create_task_group

from .source import aclose_source

T = TypeVar("T")
R = TypeVar("R")


class AsyncListRun(Generic[T, R]):
    """The task that runs this reads the items, and starts a task for each, *max_workers* at a time.

    One task enters, advances and closes the input: so scopes and task groups may be open inside it.
    """

    __slots__ = ("_context", "_error", "_func", "_group", "_items", "_places", "_results")

    def __init__(
        self, func: Callable[[T], Awaitable[R]], items: AsyncIterable[T], *, max_workers: int
    ) -> None:
        self._func = func
        self._items = items
        self._places = Semaphore(max_workers, fast_acquire=True)
        self._results: list[R] = []
        self._context = copy_context()
        self._error: BaseException | None = None
        self._group: TaskGroup = create_task_group()

    async def run(self) -> list[R]:
        """Give the results, in order of the items, or raise the first error."""
        try:
            async with self._group as group:
                await self._read()
            if group.cancel_scope.cancel_called:
                raise self._error or get_cancelled_exc_class()("a call was cancelled")
            return self._results
        finally:
            self._error = None  # its traceback refers to this frame
            await aclose_source(self._items)

    async def _read(self) -> None:
        items = aiter(self._items)
        while True:
            await self._places.acquire()  # before the item is taken, so that none is read ahead
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
            place = len(self._results)
            self._results.append(cast(Any, None))
            self._group.create_task(self._call(place, item), context=self._context.copy())

    async def _call(self, place: int, item: T) -> None:
        try:
            self._results[place] = await self._func(item)
        except Exception as error:
            if self._error is None:
                self._error = error
                self._group.cancel(f"an item failed: {error!r}")
        except BaseException as error:
            self._error = self._error or error  # what awaits a cancelled task fails with a cancellation
            raise
        else:
            self._places.release()
