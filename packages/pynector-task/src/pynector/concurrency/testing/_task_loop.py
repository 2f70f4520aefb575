"""The parts of an event loop that make tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context
from operator import attrgetter
from typing import Any

from ._plain_loop import PlainLoop
from ._run import Run
from ._schedule import Schedule
from ._task import SPARED_ALL, ScenarioTask, short_name


class TaskLoop(PlainLoop):
    """Makes tasks known to the run, which says what each of them runs."""

    def __init__(self) -> None:
        super().__init__()
        self._run = Run(Schedule())
        self._wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]] = attrgetter("coroutine")

    def create_task(
        self, coro: Any, *, name: object = None, context: Context | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        self._check_closed()
        if self._task_factory is None:
            return self._make_task(coro, loop=self, name=name, context=context, **options)
        options |= {} if context is None else {"context": context}
        native: asyncio.Task[Any] = self._task_factory(self, coro, **options)
        if native not in self._run.by_native:
            self._run.by_native[native] = task = self._run.add_task(coro, None if name is None else str(name))
            task.native = native
        return native

    def start_eagerly(self) -> None:
        """Make `create_task()` run a new task at once.

        AnyIO knows asyncio's own eager factory, and takes the maker of tasks out of it for the children of
        its groups, which it does not start at once. So ours is one of those.
        """
        if sys.version_info < (3, 12):
            raise RuntimeError("eager tasks need Python 3.12 or later")
        self._task_factory = asyncio.create_eager_task_factory(self._make_task)

    def _make_task(self, coro: Any, *, name: object = None, **options: Any) -> asyncio.Task[Any]:
        task = self._run.add_task(coro, None if name is None else str(name))
        native = asyncio.Task(self._wrap(task), name=task.name, **options)
        task.native = native
        self._run.by_native[native] = task
        return native

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._closed:
            self.call_soon_threadsafe(self._start_closing, generator)

    def _start_closing(self, generator: AsyncGenerator[Any, Any]) -> None:
        name = f"close {short_name(getattr(generator, '__qualname__', 'generator'))}"
        native = self._make_task(_close(generator), loop=self, name=name)
        self._run.by_native[native].spared = SPARED_ALL


async def _close(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()
