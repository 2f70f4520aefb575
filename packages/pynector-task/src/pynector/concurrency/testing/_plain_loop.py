"""The parts of an event loop that have no say in what runs next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakSet

from ._errors import without_cancellations
from ._no_io import NoInputOutput
from ._task import short_name
from ._threads import ThreadWatch

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class PlainLoop(NoInputOutput):
    """Executors, asynchronous generators, and errors, as asyncio documents them."""

    def __init__(self) -> None:
        self._complaints: list[str] | None = None  # where errors go that reach nobody, if not to the log
        self._closed = False
        self._debug = False
        self._exception_handler: Any = None
        self._executor: Executor | None = None
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()
        self._task_factory: Any = None
        self._threads = ThreadWatch()

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        if self.is_running():
            raise RuntimeError("event loop is running; it cannot be closed")
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("event loop is closed")

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def set_task_factory(self, factory: Any) -> None:
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        return self._task_factory

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        self._check_closed()
        if executor is None:
            executor = self._executor = self._executor or ThreadPoolExecutor(thread_name_prefix="asyncio")
        self._threads.busy += 1
        future = asyncio.wrap_future(executor.submit(func, *args), loop=self)
        future.add_done_callback(self._executor_answered)
        return future

    def _executor_answered(self, future: asyncio.Future[Any]) -> None:
        self._threads.busy -= 1

    def set_default_executor(self, executor: Any) -> None:
        self._executor = executor

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True)

    @property
    def has_generators(self) -> bool:
        """Whether `shutdown_asyncgens()` has something to do."""
        return bool(self._generators)

    async def shutdown_asyncgens(self) -> None:
        generators = list(self._generators)
        self._generators.clear()
        closing = (generator.aclose() for generator in generators)
        results = await asyncio.gather(*closing, return_exceptions=True)
        for generator, result in zip(generators, results, strict=True):
            if isinstance(result, Exception):
                message = f"error in closing the asynchronous generator {generator_name(generator)}"
                self.call_exception_handler({"message": message, "exception": result, "asyncgen": generator})

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._exception_handler is None:
            self.default_exception_handler(context)
            return
        try:
            self._exception_handler(self, context)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            message = "unhandled error in the exception handler"
            self.default_exception_handler({"message": message, "exception": error, "context": context})

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        message, error = context.get("message", "unhandled error"), context.get("exception")
        if self._complaints is None:
            logging.getLogger("asyncio").error("%s: %r", message, error, exc_info=error)
        elif error is None:
            self._complaints.append(message)
        elif without_cancellations(error, (KeyboardInterrupt, SystemExit)) is not None:
            self._complaints.append(f"{message}: {error!r}")  # the others have ended the loop already

    def set_exception_handler(self, handler: Any) -> None:
        self._exception_handler = handler

    def get_exception_handler(self) -> Any:
        return self._exception_handler

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled


def generator_name(generator: AsyncGenerator[Any, Any]) -> str:
    """The name of its function."""
    return short_name(str(getattr(generator, "__qualname__", "generator")))
