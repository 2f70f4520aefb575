"""An asyncio event loop whose time is virtual and whose order is chosen.

It stands on `asyncio.AbstractEventLoop`, the interface that asyncio documents. Three names with an
underscore are used, as every event loop must: `Handle._run()`, `_timer_handle_cancelled()`, which handles
call, and `_set_running_loop()`, which says who runs. `tests/testing/test_loop.py` tells when CPython changes
one.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from math import isnan
from operator import attrgetter
from typing import Any, TypeVarTuple

from ._ready import ForeignCalls, Ready, ReadyQueue
from ._rounds import Rounds
from ._run import Run
from ._stuck import stuck
from ._task import ScenarioTask
from ._task_loop import TaskLoop
from ._timers import Timers

_Ts = TypeVarTuple("_Ts")

# Rounds of callbacks that belong to no task before tasks that are ready go first, in whatever order.
_SHARE = 16


class ControlledLoop(TaskLoop):
    """An event loop without I/O: time jumps to the next timer as soon as nothing is ready to run.

    It keeps asyncio's own order; only `explore` gives it another. Use it as the `loop_factory` of
    `asyncio.Runner`, or with `anyio.run(..., backend_options={"loop_factory": ControlledLoop})`.

    Raises:
        Stuck: From `run_until_complete()`: the future is not done, and nothing is ready and no timer is left;
            or a million steps were taken, and no time has passed.
        NotImplementedError: From whatever does I/O.
    """

    def __init__(self) -> None:
        super().__init__()
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
        self._complaints = run.complaints
        self._run = run
        self._wrap = wrap
        self._queue.run = run

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._thread_id is not None

    def close(self) -> None:
        super().close()
        self._queue.handles.clear()
        self._rounds.end()
        self._timers.clear()

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
