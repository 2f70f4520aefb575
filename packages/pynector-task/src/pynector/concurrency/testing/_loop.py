"""An asyncio event loop whose time is virtual and whose order is chosen.

It stands on `asyncio.AbstractEventLoop`, the interface that asyncio documents. Three names with an
underscore are used, as every event loop must: `Handle._run()`, `_timer_handle_cancelled()`, which handles
call, and `_set_running_loop()`, which says who runs. `tests/testing/test_loop.py` tells when CPython changes
one.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from itertools import count
from operator import attrgetter
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakSet

from ._no_io import NoInputOutput
from ._run import Finding, Run
from ._schedule import Schedule
from ._task import ScenarioTask
from ._threads import ThreadWatch

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

# Callbacks that belong to no task, one after the other, before the loop counts as idle. AnyIO delivers a
# cancellation again in each iteration, for as long as a task is shielded from it; time would never pass.
_SPIN = 16


class Stuck(RuntimeError):
    """The run has been stopped: nothing can go on, or nothing comes to an end, or an invariant is broken."""


class _Ready(asyncio.Handle):
    __slots__ = ("owner", "withdrawn")

    owner: asyncio.Task[Any] | None
    withdrawn: bool


class ControlledLoop(NoInputOutput):
    """An event loop without I/O: time jumps to the next timer as soon as nothing is ready to run.

    Without a *run* it keeps asyncio's own order and only makes time virtual: use it as the `loop_factory` of
    `asyncio.Runner`, or with `anyio.run(..., backend_options={"loop_factory": ControlledLoop})`.

    Raises:
        Stuck: From `run_until_complete()`: nothing is ready, no timer is left, and the future is not done.
    """

    def __init__(
        self,
        run: Run | None = None,
        *,
        wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]] = attrgetter("coroutine"),
    ) -> None:
        self._run = run or Run(Schedule())
        self._complaints = self._run.complaints
        self._wrap = wrap
        self._exploring = run is not None
        self._now = 0.0
        self._ready: deque[_Ready] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_numbers = count()
        self._foreign: deque[_Ready] = deque()
        self._foreign_arrived = threading.Event()
        self._threads = ThreadWatch()
        self._thread_id: int | None = None
        self._spun = 0
        self._withdrawn = 0
        self._stopping = False
        self._closed = False
        self._debug = False
        self._task_factory: Any = None
        self._exception_handler: Any = None
        self._executor: Executor | None = None
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()

    # Running

    def run_forever(self) -> None:
        self._check_closed()
        if self._thread_id is not None or asyncio._get_running_loop() is not None:
            raise RuntimeError("event loop is running; another cannot run in the same thread")
        hooks = sys.get_asyncgen_hooks()
        self._thread_id = threading.get_ident()
        sys.set_asyncgen_hooks(self._generators.add, self._close_generator)
        asyncio._set_running_loop(self)
        try:
            self._run_until_stopped()
        finally:
            self._stopping = False
            self._thread_id = None
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def run_until_complete(self, future: Any) -> Any:
        self._check_closed()
        awaited: asyncio.Future[Any] = asyncio.ensure_future(future, loop=self)
        awaited.add_done_callback(self._stop_for)
        try:
            self.run_forever()
        finally:
            awaited.remove_done_callback(self._stop_for)
        if not awaited.done():
            raise RuntimeError("event loop was stopped; the future is not done")
        return awaited.result()

    def run_ready(self) -> None:
        """Run what is ready, and what that makes ready, without letting time pass."""
        self.call_soon(self._stop_when_idle)
        self.run_forever()

    def replace_run(self, run: Run) -> None:
        """Go on under another schedule."""
        self._run = run

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._thread_id is not None

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        if self.is_running():
            raise RuntimeError("event loop is running; it cannot be closed")
        self._closed = True
        self._ready.clear()
        self._timers.clear()
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def _run_until_stopped(self) -> None:
        run, ready = self._run, self._ready
        end_step = run.end_step
        while not self._stopping:
            if self._foreign:
                self._take_foreign()
            if not ready or self._spun > _SPIN + 2 * len(ready):
                self._pass_time()
            else:
                handle = ready.popleft() if run.fifo or len(ready) == 1 else self._choose()
                if handle.cancelled():
                    continue
                owner = handle.owner
                handle._run()
                del handle
                if self._withdrawn:
                    self._order_withdrawn()
                self._spun = 0 if owner is not None else self._spun + 1
                end_step(run.by_native.get(owner) if owner is not None else None)
            if run.finding is not None:
                raise self._stuck(run.finding)

    def _stuck(self, finding: Finding) -> Stuck:
        if not self._exploring:
            self._run.finding = None  # it may go on, to clean up
        return Stuck("\n  ".join([finding.text, *finding.waiting]))

    def _choose(self) -> _Ready:
        # Plain callbacks keep their order among themselves: asyncio promises it, and protocols rely on it.
        ready = self._ready
        positions: list[int] = []
        labels: list[int] = []
        for position, handle in enumerate(ready):
            label = self._label(handle)
            if label != -1 or -1 not in labels:
                positions.append(position)
                labels.append(label)
        chosen = positions[self._run.choose(labels) if len(labels) > 1 else 0]
        handle = ready[chosen]
        del ready[chosen]
        return handle

    def _label(self, handle: _Ready) -> int:
        if handle.owner is None:
            return -1
        task = self._run.by_native.get(handle.owner)
        return -1 if task is None else task.number

    def _order_withdrawn(self) -> None:
        # AnyIO and asyncio keep tasks in sets and cancel them in the order of their addresses, which differs
        # between runs. What was woken by a cancellation in one step runs in order of creation instead.
        if self._withdrawn > 1:
            positions = [p for p in range(len(self._ready)) if self._ready[p].withdrawn]
            handles = sorted((self._ready[p] for p in positions), key=self._label)
            for position, handle in zip(positions, handles, strict=True):
                self._ready[position] = handle
        for handle in self._ready:
            handle.withdrawn = False
        self._withdrawn = 0

    def _pass_time(self) -> None:
        self._spun = 0
        while self._timers and self._timers[0][2].cancelled():
            self._pop_timer()
        if self._await_threads():
            return
        if not self._timers:
            self._run.stop("deadlock", "nothing is ready to run and no timer is left")
            return
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            timer = self._pop_timer()
            if not timer.cancelled():
                self._append(_Ready(self._fire, (timer,), self))

    def _fire(self, timer: asyncio.TimerHandle) -> None:
        if not timer.cancelled():  # by what ran at the same time
            timer._run()

    def _pop_timer(self) -> asyncio.TimerHandle:
        return heapq.heappop(self._timers)[2]

    def _stop_for(self, future: asyncio.Future[Any]) -> None:
        if not future.cancelled() and isinstance(future.exception(), (KeyboardInterrupt, SystemExit)):
            return  # it has left run_forever() already
        self.stop()

    def _stop_when_idle(self) -> None:
        if self._ready and self._spun <= _SPIN:
            self.call_soon(self._stop_when_idle)
        else:
            self.stop()

    # Scheduling

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._check_closed()
        handle = _Ready(callback, args, self, context)
        return self._append(handle, getattr(callback, "__self__", None), args)

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._check_closed()
        if self._thread_id == threading.get_ident():
            return self.call_soon(callback, *args, context=context)
        handle = _Ready(callback, args, self, context)
        self._foreign.append(handle)
        self._foreign_arrived.set()
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._check_closed()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._timer_numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # it is dropped when its time comes

    def _append(self, handle: _Ready, owner: object = None, args: tuple[Any, ...] = ()) -> _Ready:
        handle.withdrawn = False
        if isinstance(owner, asyncio.Task):
            handle.owner = owner
            if args and isinstance(args[0], asyncio.Future) and args[0].cancelled():
                handle.withdrawn = True
                self._withdrawn += 1
        else:
            handle.owner = None
        self._ready.append(handle)
        return handle

    # Threads

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

    def _take_foreign(self) -> None:
        self._foreign_arrived.clear()
        while self._foreign:
            self._append(self._foreign.popleft())

    def _await_threads(self) -> bool:
        """Whether another thread has called in, if there is another."""
        patience = self._threads.patience(self._run.tasks)
        return patience > 0 and self._foreign_arrived.wait(patience)

    # Tasks, futures, asynchronous generators

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
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

    def set_task_factory(self, factory: Any) -> None:
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        return self._task_factory

    @property
    def has_generators(self) -> bool:
        """Whether `shutdown_asyncgens()` has something to do."""
        return bool(self._generators)

    async def shutdown_asyncgens(self) -> None:
        generators = list(self._generators)
        self._generators.clear()
        await asyncio.gather(*(generator.aclose() for generator in generators), return_exceptions=True)

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._closed:
            self.call_soon_threadsafe(self.create_task, generator.aclose())

    # Errors

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._exception_handler is not None:
            self._exception_handler(self, context)
        else:
            self.default_exception_handler(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        message, error = context.get("message", "unhandled error"), context.get("exception")
        if not self._exploring:
            logging.getLogger("asyncio").error("%s: %r", message, error)
        elif error is not None:
            self._complaints.append(f"{message}: {error!r}")

    def set_exception_handler(self, handler: Any) -> None:
        self._exception_handler = handler

    def get_exception_handler(self) -> Any:
        return self._exception_handler

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("event loop is closed")
