"""The parts of an event loop that make tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context
from operator import attrgetter
from typing import Any

from ._plain_loop import PlainLoop, generator_name
from ._run import MAX_STEPS_AT_ONCE, Run
from ._schedule import Schedule
from ._task import SPARED_ALL, ScenarioTask


class TaskLoop(PlainLoop):
    """Makes tasks known to the run, which says what each of them runs."""

    def __init__(self) -> None:
        super().__init__()
        self._eager_factory: Any = None
        self._run = Run(Schedule(), max_steps_at_once=MAX_STEPS_AT_ONCE)
        self._wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]] = attrgetter("coroutine")

    def create_task(
        self, coro: Any, *, name: object = None, context: Context | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        self._check_closed()
        options |= {} if context is None else {"context": context}
        factory = self._task_factory
        if factory is None:
            return self._make_task(coro, loop=self, name=name, **options)
        if factory is self._eager_factory:
            native: asyncio.Task[Any] = factory(self, coro, name=name, **options)
            return native
        task = self._run.add_task(coro, name)
        native = factory(self, self._wrap(task), **options)
        if name is not None:
            native.set_name(name)  # a factory need not know of names
        return self._keep(task, native)

    def set_task_factory(self, factory: Any) -> None:
        if sys.version_info >= (3, 12) and factory is asyncio.eager_task_factory:
            self.start_eagerly()
        else:
            self._task_factory = factory

    def start_eagerly(self) -> None:
        """Make `create_task()` run a new task at once.

        AnyIO knows asyncio's own eager factory, and takes the maker of tasks out of it for the children of
        its groups, which it does not start at once. So ours is one of those.
        """
        if sys.version_info < (3, 12):
            raise RuntimeError("eager tasks need Python 3.12 or later")
        self._eager_factory = self._eager_factory or asyncio.create_eager_task_factory(self._make_task)
        self._task_factory = self._eager_factory

    def _make_task(self, coro: Any, *, name: object = None, **options: Any) -> asyncio.Task[Any]:
        task = self._run.add_task(coro, name)
        # Without a name, asyncio would number it, and go on counting from one run to the next.
        known = task.name if name is None else str(name)
        return self._keep(task, asyncio.Task(self._wrap(task), name=known, **options))

    def _keep(self, task: ScenarioTask, native: asyncio.Task[Any]) -> asyncio.Task[Any]:
        task.become(native)
        self._run.by_native[native] = task
        return native

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._closed:
            self.call_soon_threadsafe(self._start_closing, generator)

    def _start_closing(self, generator: AsyncGenerator[Any, Any]) -> None:
        native = self._make_task(_close(generator), loop=self, name=f"close {generator_name(generator)}")
        self._run.by_native[native].spared = SPARED_ALL


async def _close(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()
