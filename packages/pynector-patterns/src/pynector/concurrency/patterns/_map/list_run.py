"""A bounded map whose results are kept in a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

from anyio import BrokenResourceError, get_cancelled_exc_class

from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.task.lowlevel import (
    READY,
    checkpoint,
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
from .progress import LaterErrors
from .source import close_source, iterator_of

T = TypeVar("T")
R = TypeVar("R")


class ListRun(Generic[T, R]):
    """Workers that take items from one iterator and put each result in its place in a list.

    Invariant: at most *max_workers* tasks exist, whatever the number of items; a worker is added only when
    the one before it found an item.
    """

    __slots__ = (
        "_context",
        "_error",
        "_func",
        "_group",
        "_has_lost_worker",
        "_items",
        "_later_errors",
        "_results",
        "_source",
        "_vacancies",
    )

    def __init__(self, func: Callable[[T], Awaitable[R]], items: Iterable[T], *, max_workers: int) -> None:
        self._func = func
        self._source = items
        self._items = iterator_of("urls", items)
        self._vacancies = max_workers
        self._results: list[R] = []
        self._context = copy_context()
        self._error: BaseException | None = None
        self._later_errors = LaterErrors()
        self._has_lost_worker = False
        self._group: TaskGroup = create_task_group()

    async def run(self) -> list[R]:
        """Return the results, in order of the items, or raise the first error."""
        before, is_overtaking = native_cancellations(), False
        try:
            try:
                async with self._group:
                    self._add_worker()
            except get_cancelled_exc_class():
                if self._error is None or overtaken_cancellation(self._error) is None:
                    raise
                is_overtaking = True
            if self._error is not None:
                self._later_errors.note_in(self._error)
                if is_overtaking:
                    await raise_first(self._error, before)
                raise self._error
            if self._has_lost_worker or self._group.cancel_scope.cancel_called:
                raise BrokenResourceError("parallel_requests: one of its tasks was cancelled from outside")
        except BaseException as leaving:
            close_source(self._source, leaving)
            raise
        else:
            close_source(self._source)
            return self._results
        finally:
            self._error = None  # its traceback refers to this frame

    def _add_worker(self) -> None:
        if self._vacancies:
            self._vacancies -= 1
            context = self._context.copy()
            self._group.create_task(self._work(), name=f"map worker {self._vacancies}", context=context)

    async def _work(self) -> None:
        # One long loop: what is called or looked up for each item is a good part of what a short one costs.
        func, results, context = self._func, self._results, self._context
        budget = operation_budget()
        has_item = False
        awaitable: Any = READY
        try:
            for item in self._items:
                if not has_item:
                    has_item = True
                    self._add_worker()
                place = len(results)
                results.append(cast(Any, None))
                wanted, current = contents_of(context, copy_context())
                if wanted is current:
                    awaitable = func(item)
                    results[place] = await awaitable
                else:
                    results[place] = await call_in(context.copy(), func, item, "fetch")
                if next(budget):
                    await checkpoint()
        except Exception as error:
            self._fail(as_told(error, "fetch", func, awaitable))
            raise_overtaken(error)
        except get_cancelled_exc_class() as error:
            if is_cancelled():
                self._has_lost_worker = True
                raise
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
            self._group.cancel(f"an item failed: {one_line(error)}")
        else:
            self._later_errors.add(error)
