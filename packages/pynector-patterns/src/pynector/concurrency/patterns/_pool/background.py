"""The tasks that a pool starts for itself."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from anyio import BrokenResourceError, get_cancelled_exc_class

from pynector.concurrency.primitives import Event
from pynector.concurrency.task.lowlevel import current_task, raise_unchanged, spawn_owner, watch_exit


class BackgroundTask:
    """A task that belongs to no group, and whose end is always noticed.

    Its end is watched from outside: what is cancelled natively before its first step, as at the end of
    `asyncio.run`, never runs, and no `finally` in it does.

    Args:
        func: What it does.
        name: The task's name.
        running: Where the task is found while it runs.
    """

    __slots__ = ("_callbacks", "_ended", "_func", "_running", "error")

    def __init__(
        self, func: Callable[[], Coroutine[Any, Any, None]], name: str, running: set[object]
    ) -> None:
        self._func = func
        self._running = running
        self._callbacks: list[Callable[[], object]] = []
        self._ended = Event()
        self.error: BaseException | None = None
        """What it has raised, other than a cancellation."""
        task = spawn_owner(self._run, name=name)
        try:
            watch_exit(task, self._end)
        except BrokenResourceError:  # started eagerly, and over already
            self._end(task)

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Have *callback* called at the end, however that comes; at once if it has come."""
        if self.has_ended:
            callback()
        else:
            self._callbacks.append(callback)

    async def wait(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    async def _run(self) -> None:
        task = current_task()
        self._running.add(task)
        try:
            await self._func()
        except (KeyboardInterrupt, get_cancelled_exc_class()):
            raise
        except BaseException as error:  # such as pytest's outcomes: for whoever waits, or closes the pool
            self.error = error
        finally:
            self._running.discard(task)
            self._end(None)  # in its last step; a moment later nothing would keep the pool alive but the task

    def _end(self, _: object) -> None:
        if self.has_ended:
            return
        for callback in self._callbacks:
            callback()
        self._callbacks.clear()
        self._ended.set()
        del self._func  # which may lead here: no cycle


class BackgroundTasks:
    """The tasks that keep a pool, watch the time for it, and open and close its connections."""

    __slots__ = ("_alive", "errors", "running")

    def __init__(self) -> None:
        self.running: set[object] = set()
        """The tasks themselves."""
        self._alive: dict[BackgroundTask, None] = {}  # a set whose order is that of their start
        self.errors: list[BaseException] = []
        """What these tasks have raised, and nobody was told: pytest's outcomes, for example."""

    @property
    def have_ended(self) -> bool:
        """Whether none is left, and no error of theirs either."""
        return not (self._alive or self.errors)

    def start(
        self, func: Callable[[], Coroutine[Any, Any, None]], name: str, then: Callable[[], object] = bool
    ) -> BackgroundTask:
        """Start one; *then* is called at its end, however that comes."""
        task = BackgroundTask(func, f"ConnectionPool.{name}", self.running)
        self._alive[task] = None
        task.when_ended(then)
        task.when_ended(partial(self._ended, task))
        return task

    async def wait(self) -> None:
        """Wait until none is left."""
        while self._alive:
            await next(iter(self._alive)).wait()

    def refuse_inside(self) -> None:
        """Refuse to close the pool in one of these tasks, for which closing would wait."""
        if self.running and current_task() in self.running:
            raise RuntimeError(
                "connection pool: close() was called by a connection of this pool, or by its factory, and"
                " would wait for that to end; call it from another task"
            )

    def raise_errors(self) -> None:
        """Raise what nobody was told: the error, or a group if there are several."""
        errors = self.errors.copy()
        self.errors.clear()
        if not errors:
            return
        group = BaseExceptionGroup("tasks of a connection pool", errors)
        try:
            raise_unchanged(errors[0] if len(errors) == 1 else group)
        finally:
            del errors, group, self  # the error's traceback holds this frame: no cycle

    def _ended(self, task: BackgroundTask) -> None:
        del self._alive[task]
        if task.error is not None:
            self.errors.append(task.error)
            task.error = None
