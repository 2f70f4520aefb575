"""An asyncio event loop whose time is virtual and whose order is chosen.

It stands on `asyncio.AbstractEventLoop`, the interface that asyncio documents. Three names with an
underscore are used, as every event loop must: `Handle._run()`, `_timer_handle_cancelled()`, which handles
call, and `_set_running_loop()`, which says who runs. `tests/testing/test_loop.py` tells when CPython changes
one.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from math import isnan
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, TypeVarTuple
from weakref import WeakSet

from .._report.stack import without_cancellations
from .._report.stuck import stuck
from .._schedule.run import MAX_STEPS_AT_ONCE, Run
from .._schedule.schedule import Schedule
from .._schedule.task import SPARED_ALL, ScenarioTask, short_name
from .queue import ForeignCalls, Ready, ReadyQueue, Rounds, Timers
from .threads import ThreadWatch


def _refuse(self: object, *args: object, **options: object) -> NoReturn:
    raise NotImplementedError("a controlled event loop does no I/O; give the scenario a fake instead")


_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

# Rounds of callbacks that belong to no task before tasks that are ready go first, in whatever order.
_SHARE = 16


class ControlledLoop(asyncio.AbstractEventLoop):
    """An event loop without I/O: time jumps to the next timer as soon as nothing is ready to run.

    It keeps asyncio's own order; only `explore` gives it another. Use it as the `loop_factory` of
    `asyncio.Runner`, or with `anyio.run(..., backend_options={"loop_factory": ControlledLoop})`.

    Raises:
        Stuck: From `run_until_complete()`: the future is not done, and nothing is ready and no timer is left;
            or a million steps were taken, and no time has passed.
        NotImplementedError: From whatever does I/O.
    """

    def __init__(self) -> None:
        self._complaints: list[str] | None = None  # where errors go that reach nobody, if not to the log
        self._closed = False
        self._debug = False
        self._exception_handler: Any = None
        self._executor: Executor | None = None
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()
        self._task_factory: Any = None
        self._threads = ThreadWatch()
        self._eager_factory: Any = None
        self._run = Run(Schedule(), max_steps_at_once=MAX_STEPS_AT_ONCE)
        self._wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]] = attrgetter("coroutine")
        self._exploring = False
        self._now = 0.0
        self._queue = ReadyQueue(self._run)
        self._timers = Timers()
        self._foreign = ForeignCalls()
        self._idlers: list[asyncio.Future[None]] = []
        self._thread_id: int | None = None
        self._rounds = Rounds()
        self._stopping = False
        self._only_ready = False  # stop when time would pass

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
        self._only_ready = True
        try:
            self.run_forever()
        finally:
            self._only_ready = False

    def obey(
        self,
        run: Run,
        wrap: Callable[[ScenarioTask], Coroutine[Any, Any, Any]] = attrgetter("coroutine"),
    ) -> None:
        """Let a run choose who is next, and what each task runs."""
        self._exploring = True
        self._complaints = run.loop_errors
        self._run = run
        self._wrap = wrap
        self._queue.run = run

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._thread_id is not None

    def _run_until_stopped(self) -> None:
        run, rounds, queue, ready = self._run, self._rounds, self._queue, self._queue.handles
        by_native, end_step = run.by_native, run.end_step
        while not self._stopping:
            if self._foreign.calls:
                self._foreign.move_to(self._queue)
            if not ready or (rounds.only_repeat and queue.only_repeats(rounds)):
                self._pass_time()
            else:
                handle = queue.take(tasks_only=rounds.count > _SHARE and queue.has_tasks)
                if handle.cancelled():
                    continue
                owner = handle.owner
                handle._run()
                if owner is None:
                    rounds.add(handle.call, len(ready))
                    end_step(None)
                else:
                    if rounds.has_begun:
                        rounds.end()
                    end_step(by_native.get(owner))
                del handle
                queue.settle()
            if run.finding is not None:
                finding = run.finding
                if not self._exploring:
                    run.finding = None  # it may go on, to clean up
                raise stuck(finding)

    def _pass_time(self) -> None:
        self._rounds.end()
        if self._only_ready:
            self.stop()
            return
        if self._await_threads() or self._wake_idlers():
            return
        time = self._timers.jump(self._now, self._run)
        if time is None:
            self._run.stop("deadlock", "nothing is ready to run and no timer is left")
            return
        self._now = time
        self._run.time_passes()
        for timer in self._timers.take_due(self._now):
            self._queue.append_timer(Ready(self._fire, (timer,), self), self._fire, (timer,))

    def _fire(self, timer: asyncio.TimerHandle) -> None:
        if not timer.cancelled():  # before, or by what was due at the same time
            timer._run()

    def _stop_for(self, future: asyncio.Future[Any]) -> None:
        if not future.cancelled() and isinstance(future.exception(), (KeyboardInterrupt, SystemExit)):
            return  # it has left run_forever() already
        self.stop()

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._check_closed()
        handle = Ready(callback, args, self, context)
        self._queue.append(handle, callback, args)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._check_closed()
        if self._thread_id == threading.get_ident():
            return self.call_soon(callback, *args, context=context)
        handle = Ready(callback, args, self, context)
        self._foreign.put(handle, callback, args)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._check_closed()
        if isnan(when):
            raise ValueError(f"when must be a time, not {when}")
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if when > self._now:
            self._timers.add(timer)
        else:
            self._queue.append_timer(Ready(self._fire, (timer,), self), callback, args)
        return timer

    async def until_idle(self) -> None:
        """Wait until nothing else is ready to run; time does not pass meanwhile."""
        idle: asyncio.Future[None] = self.create_future()
        self._idlers.append(idle)
        await idle

    def _wake_idlers(self) -> bool:
        waiting = [idle for idle in self._idlers if not idle.done()]
        self._idlers.clear()
        for idle in waiting:
            idle.set_result(None)
        return bool(waiting)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # it is dropped when its time comes

    def _await_threads(self) -> bool:
        """Whether another thread has called in, if there is another."""
        return self._foreign.wait(self._threads.patience(self._run.tasks))

    def close(self) -> None:
        if self.is_running():
            raise RuntimeError("event loop is running; it cannot be closed")
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)
        self._queue.handles.clear()
        self._rounds.end()
        self._timers.clear()

    # Tasks: the run knows each of them, and says what it runs.

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

    # Executors, asynchronous generators, and errors, as asyncio documents them.

    def is_closed(self) -> bool:
        return self._closed

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("event loop is closed")

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

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
            self._complaints.append(f"{message}: {_shown(error)}")  # the others have ended the loop already

    def set_exception_handler(self, handler: Any) -> None:
        self._exception_handler = handler

    def get_exception_handler(self) -> Any:
        return self._exception_handler

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled

    # Files, sockets, processes and signals: each refused.

    add_reader: Any = _refuse
    add_signal_handler: Any = _refuse
    add_writer: Any = _refuse
    connect_accepted_socket: Any = _refuse
    connect_read_pipe: Any = _refuse
    connect_write_pipe: Any = _refuse
    create_connection: Any = _refuse
    create_datagram_endpoint: Any = _refuse
    create_server: Any = _refuse
    create_unix_connection: Any = _refuse
    create_unix_server: Any = _refuse
    getaddrinfo: Any = _refuse
    getnameinfo: Any = _refuse
    remove_reader: Any = _refuse
    remove_signal_handler: Any = _refuse
    remove_writer: Any = _refuse
    sendfile: Any = _refuse
    sock_accept: Any = _refuse
    sock_connect: Any = _refuse
    sock_recv: Any = _refuse
    sock_recv_into: Any = _refuse
    sock_recvfrom: Any = _refuse
    sock_recvfrom_into: Any = _refuse
    sock_sendall: Any = _refuse
    sock_sendfile: Any = _refuse
    sock_sendto: Any = _refuse
    start_tls: Any = _refuse
    subprocess_exec: Any = _refuse
    subprocess_shell: Any = _refuse


def generator_name(generator: AsyncGenerator[Any, Any]) -> str:
    """The name of its function."""
    return short_name(str(getattr(generator, "__qualname__", "generator")))


async def _close(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()


def _shown(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:  # whatever the class of a user does
        return f"<{type(error).__name__}, which cannot be shown>"
