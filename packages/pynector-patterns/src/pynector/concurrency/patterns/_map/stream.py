"""A bounded map whose results are given to a consumer as they come."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from contextvars import copy_context
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, cast

from anyio import (
    BrokenResourceError,
    ClosedResourceError,
    current_effective_deadline,
    get_cancelled_exc_class,
    sleep_forever,
)

from pynector.concurrency.task import TaskHandle, create_task_group
from pynector.concurrency.task.lowlevel import (
    READY,
    ParkingLot,
    add_note,
    checkpoint,
    checkpoint_before_raise,
    is_cancellation,
    is_cancelled,
    native_cancellations,
    one_line,
    operation_budget,
    overtaken_cancellation,
    raise_first,
    raise_overtaken,
)

from .._function_name import as_told
from .._own_context import call_in, contents_of
from .progress import LaterErrors, Outcome, ProgressCount
from .source import PulledSource, ReadSource, Window, close_source, iterator_of

R = TypeVar("R")


class MapStream(Generic[R]):
    """The results of a `concurrent_map`: to be entered with `async with`, and iterated over in the block.

    An error does not cancel the task that consumes: it is raised where that asks for the next result, or when
    it leaves the block. So workers are cancelled one by one: the group's scope is around the consumer, too.
    """

    def __init__(
        self,
        func: Callable[[Any], Awaitable[Any]],
        items: Iterable[Any] | AsyncIterable[Any],
        window: Window[R],
        *,
        max_workers: int,
        keep_errors: bool,
        progress: ProgressCount,
    ) -> None:
        self._func = func
        self._items = items
        self._window = window
        self._vacancies = max_workers
        self._keep_errors = keep_errors
        self._progress = progress
        self._source: PulledSource[Any] | ReadSource[Any] = (
            ReadSource(items, window)
            if isinstance(items, AsyncIterable)
            else PulledSource(iterator_of("items", items), window)
        )
        self._group = create_task_group()
        self._handles: list[TaskHandle[None]] = []
        self._consumers: ParkingLot[None] = ParkingLot("a result of concurrent_map")
        self._budget = operation_budget()
        self._context = copy_context()
        self._state: Literal["new", "entered", "left"] = "new"
        self._cancellations = 0
        self._error: BaseException | None = None
        self._later_errors = LaterErrors()
        self._has_raised = False
        self._has_lost_worker = False

    def __repr__(self) -> str:
        return f"<MapStream {self._state}, {self._window!r}>"

    async def __aenter__(self) -> Self:
        await checkpoint()
        if self._state != "new":
            raise RuntimeError(f"concurrent_map is {self._state}; it is entered once")
        self._state = "entered"
        self._context = copy_context()
        self._progress.open()
        await self._group.__aenter__()
        self._cancellations = native_cancellations()
        if isinstance(self._source, ReadSource):
            self._start(self._source.read, "map reader")
        self._add_worker()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._state = "left"
        if exc is None:
            self._group.cancel("concurrent_map is left")
        swallowed: bool | None = False
        try:
            swallowed = await self._group.__aexit__(exc_type, exc, tb)
        except get_cancelled_exc_class() as cancellation:
            error = None if self._has_raised or self._has_lost_worker else self._error
            if error is None or overtaken_cancellation(error) is None:
                raise
            exc = cancellation
        finally:
            self._consumers.fail_all(_closed)
            self._progress.close()
            close_source(self._items, exc or self._error)
        error, self._error = self._error, None
        try:
            if error is not None:
                self._later_errors.note_in(error)
                if not self._has_raised and (exc is None or is_cancellation(exc)):
                    if exc is not None:
                        await raise_first(error, self._cancellations)
                    # It may come of a cancellation of this task that the block did not meet.
                    await checkpoint_before_raise()
                    raise error
                if not self._has_raised and exc is not None:
                    add_note(exc, f"an item of concurrent_map failed, too: {one_line(error)}")
            if exc is not None and swallowed:
                raise BrokenResourceError("concurrent_map: one of its tasks was cancelled from outside")
        finally:
            del error, exc  # whose tracebacks hold this frame: no cycle

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        """Wait for the next result.

        If it is there already, this is a checkpoint only for every 64th operation of the kind. If cancelled,
        no result is lost.

        Raises:
            Exception: an item failed, or the input; the rest is cancelled.
            RuntimeError: called before the block.
            anyio.ClosedResourceError: called after it.
        """
        if next(self._budget):
            await checkpoint()
        self._check_entered()
        window = self._window
        while self._error is not None or not window.has_result:
            if self._error is not None:
                if current_effective_deadline() == -math.inf:
                    await (
                        sleep_forever()
                    )  # not for long: the consumer is cancelled, too, and that comes first
                self._has_raised = True
                raise self._error
            if window.is_finished:
                raise StopAsyncIteration
            await self._consumers.park(self._pass_on)
            self._check_entered()
        result = window.give()
        self._source.tell_of_room()
        if self._consumers.queue:
            self._wake_consumers()
        return result

    def _add_worker(self) -> None:
        if self._vacancies:
            self._vacancies -= 1
            self._start(self._work, f"map worker {self._vacancies}")

    def _start(self, func: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        context = self._context.copy()
        self._handles.append(self._group.create_task(self._watch(func), name=name, context=context))

    async def _watch(self, func: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await func()
        except Exception as error:
            self._fail(error)
            raise_overtaken(error)
        except get_cancelled_exc_class() as error:
            if not is_cancelled():
                return self._fail(error)
            if self._state == "entered":
                self._has_lost_worker |= self._error is None
                self._fail(BrokenResourceError("concurrent_map: one of its tasks was cancelled from outside"))
            raise

    async def _work(self) -> None:
        func, take, window, context = self._func, self._source.take, self._window, self._context
        has_item = False
        while (taken := await take()) is not None:
            if not has_item:
                has_item = True
                self._add_worker()
            place, item = taken
            wanted, current = contents_of(context, copy_context())
            error: Exception | None = None
            result: Any = None
            awaitable: Any = READY
            try:
                if wanted is current:
                    awaitable = func(item)
                    result = await awaitable
                else:
                    result = await call_in(context.copy(), func, item)
            except Exception as caught:
                error = as_told(caught, "func", func, awaitable)
                if not self._keep_errors:
                    if error is caught:
                        raise
                    raise error from None
            window.put(place, self._outcome(item, result, error))
            self._progress.count(failed=error is not None)
            if self._consumers.queue:
                self._wake_consumers()
            if next(self._budget):
                await checkpoint()
        self._wake_consumers()

    def _outcome(self, item: Any, result: Any, error: Exception | None) -> R:
        if not self._keep_errors:
            return cast(R, result)
        outcome: Outcome[Any, Any] = Outcome(item, result, error)  # `Outcome[...]()` costs ten times as much
        return cast(R, outcome)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
            self._wake_consumers()
        else:
            self._later_errors.add(error)
        for handle in self._handles:
            handle.cancel()

    def _wake_consumers(self) -> None:
        if self._error is not None or self._window.is_finished:
            while self._consumers.unpark(None) is not None:
                pass
        elif self._window.has_result:
            self._consumers.unpark(None)

    def _pass_on(self, _: None) -> None:
        self._wake_consumers()

    def _check_entered(self) -> None:
        if self._state == "new":
            raise RuntimeError("concurrent_map is not entered; use it with 'async with', and iterate inside")
        if self._state == "left":
            raise _closed()


def _closed() -> ClosedResourceError:
    return ClosedResourceError("concurrent_map is left; iterate inside its 'async with' block")
