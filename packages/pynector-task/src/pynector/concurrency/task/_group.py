"""The task group."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, TypeVar, TypeVarTuple, overload

import anyio.abc

from ._backing import backing_here
from ._coroutines import coroutine_name, coroutine_of, function_name
from ._group_scope import GroupScope
from ._handle import SpawnedTask, TaskHandle
from ._status import TaskStatus
from .lowlevel._errors import native_cancellations, one_line, raise_first, renew_cancellation, what_leaves

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class TaskGroup(anyio.abc.TaskGroup):
    """Tasks that end together: the block is left when the last child has ended.

    An `anyio.abc.TaskGroup`, made by `create_task_group`. If a child fails, the others are cancelled, and
    its error leaves the block as it is. Several errors leave as one `ExceptionGroup`, which holds no
    cancellations. If the body awaited the failed child's handle, the child's error still leaves alone.

    States:
        | | new | entered | left |
        | --- | --- | --- | --- |
        | `async with` | enters | RuntimeError | RuntimeError |
        | `start_soon`, `create_task`, `start` | RuntimeError | starts a child | RuntimeError |
        | `cancel` | the block is cancelled when entered | cancels body and children | nothing to do |

    If the task in the block is cancelled, the children are cancelled, and the block waits for them. If a
    child fails then, its error comes first, and the cancellation again at the next checkpoint.
    """

    def __init__(self, *, strict_exception_groups: bool = False) -> None:
        self._backing = backing_here()
        self._strict = strict_exception_groups
        self._state: Literal["new", "entered", "left"] = "new"
        self._cancel_called = False
        self._cancel_reason: str | None = None
        self._guarded_scope: GroupScope | None = None

    def __await__(self) -> Generator[Any, Any, Self]:
        """Return this group, not yet entered."""
        return self
        yield  # makes this a generator, which is what an awaitable must give

    def __repr__(self) -> str:
        return f"<TaskGroup {self._state}>"

    @property
    def cancel_scope(self) -> anyio.CancelScope:  # type: ignore[override]  # an attribute in AnyIO
        """AnyIO's scope around the body and all children; its deadline is on the event loop's clock.

        Raises:
            RuntimeError: the group was not entered yet.
        """
        if self._state == "new":
            raise RuntimeError("task group is not entered; it has no cancel scope yet")
        if self._guarded_scope is None:
            self._guarded_scope = GroupScope(self._backing.cancel_scope, self._backing.check_loop)
        return self._guarded_scope

    @property
    def cancel_reason(self) -> str | None:
        """Why the group was cancelled: what `cancel` was told, or which child failed and how."""
        return self._cancel_reason

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the body and all children. May be called before entering, from inside and from outside.

        Args:
            reason: Can be read back as `cancel_reason`; stands in the message of each cancellation.

        Raises:
            RuntimeError: this is another thread or event loop than the group was entered in; nothing has
                happened then.
        """
        if self._state == "entered":
            self._backing.check_loop("cancelling it")
        if not self._cancel_called:
            self._cancel_called, self._cancel_reason = True, reason
        if self._state == "entered":
            self._backing.cancel_scope.cancel(reason)

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RuntimeError(f"TaskGroup cannot be entered more than once; it is {self._state}")
        self._state = "entered"
        await self._backing.enter()
        self._backing.entered()
        self._cancellations = native_cancellations()
        if self._cancel_called:
            self._backing.cancel_scope.cancel(self._cancel_reason)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        try:
            return bool(await self._backing.leave(exc_type, exc, tb))
        except BaseExceptionGroup as errors:
            error = what_leaves(errors, exc, strict=self._strict)
            if error is exc:
                renew_cancellation(self._cancellations)
                return False
        finally:
            self._backing.left()
            self._state = "left"
            del exc, tb  # whose traceback holds this frame: no cycle
        try:
            await raise_first(error, self._cancellations)
        finally:
            del error

    def start_soon(  # type: ignore[misc,override]  # ours may be awaited for the handle
        self, func: Callable[[*Ts], Coroutine[Any, Any, T]], *args: *Ts, name: object = None
    ) -> SpawnedTask[T]:
        """Start a child that calls `func(*args)`; it takes its first step at the next checkpoint.

        Never waits. Awaiting what it returns gives the child's `TaskHandle`, at once.

        Args:
            func: An async function.
            args: Its positional arguments; for keyword arguments use `functools.partial`.
            name: The task's name; by default the function's.

        Raises:
            RuntimeError: the group is not entered.
            TypeError: *func* gave no coroutine.
        """
        coro = coroutine_of(func, *args)
        if self._state != "entered":
            self._refuse(coro)
        return SpawnedTask(
            self._backing.spawn(coro, function_name(func, name), None, self._child_failed),
            coro,
            self._backing,
        )

    def create_task(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, coro: Coroutine[Any, Any, T], *, name: object = None, context: Context | None = None
    ) -> TaskHandle[T]:
        """Start a child that runs *coro*, and give its handle.

        Args:
            coro: What an async function gave when called.
            name: The task's name; by default the coroutine's.
            context: The context to run it in; by default a copy of the current one.

        Raises:
            RuntimeError: the group is not entered; the coroutine is closed.
            TypeError: *coro* is no coroutine.
        """
        if not isinstance(coro, Coroutine):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"expected a coroutine, got {coro!r}; call the async function first")
        if self._state != "entered":
            self._refuse(coro)
        child = self._backing.spawn(coro, coroutine_name(coro, name), context, self._child_failed)
        return TaskHandle(child, coro, self._backing)

    @overload  # type: ignore[override]  # our handle, not AnyIO's
    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, Any]],
        *args: object,
        name: object = None,
        return_handle: Literal[False] = ...,
    ) -> Any: ...

    @overload
    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, T]],
        *args: object,
        name: object = None,
        return_handle: Literal[True],
    ) -> TaskHandle[T]: ...

    async def start(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        func: Callable[..., Coroutine[Any, Any, Any]],
        *args: object,
        name: object = None,
        return_handle: bool = False,
    ) -> Any:
        """Start a child that calls `func(*args, task_status=...)`, and wait until it says it has started.

        Until then the child belongs to the caller: if the caller is cancelled, the child is cancelled and
        waited for; if the child fails, its error is raised here and the group goes on.

        Args:
            func: An async function that takes a keyword argument `task_status`, a `TaskStatus`.
            args: Its positional arguments.
            name: The task's name; by default the function's.
            return_handle: Give the child's `TaskHandle`, which has the value as `start_value`.

        Returns:
            What the child gave to `task_status.started`.

        Raises:
            RuntimeError: the group is not entered, or the child ended without calling `started`.
        """
        if self._state != "entered":
            self._refuse()
        coro: Coroutine[Any, Any, Any] | None = None

        def make(status: TaskStatus[Any]) -> Coroutine[Any, Any, Any]:
            nonlocal coro
            coro = coroutine_of(partial(func, task_status=status), *args)
            return coro

        child = await self._backing.start(make, function_name(func, name), self._child_failed)
        assert coro is not None
        return TaskHandle(child, coro, self._backing) if return_handle else child.start_value

    def _child_failed(self, name: str, error: Exception) -> None:
        if not self._backing.cancel_scope.cancel_called:  # AnyIO would do it, but without a word
            self.cancel(f"task {name!r} failed: {one_line(error)}")

    def _refuse(self, coro: Coroutine[Any, Any, Any] | None = None) -> NoReturn:
        if coro is not None:
            coro.close()
        state = "new; enter it with 'async with'" if self._state == "new" else self._state
        raise RuntimeError(f"This task group is not active; no new tasks can be started: it is {state}")


def create_task_group(*, strict_exception_groups: bool = False) -> TaskGroup:
    """Make a task group, to be entered with `async with`. Awaiting it gives the same group.

    Args:
        strict_exception_groups: Let even a single error leave in an `ExceptionGroup`, as AnyIO and trio do.

    Raises:
        anyio.NoEventLoopError: no event loop runs here.

    Example:
        ```python
        import anyio
        from pynector.concurrency.task import create_task_group

        async def greet(name: str) -> None:
            print(f"hello, {name}")

        async def main() -> None:
            async with create_task_group() as tg:
                tg.start_soon(greet, "ada")
                tg.start_soon(greet, "grace")

        anyio.run(main)
        ```
    """
    return TaskGroup(strict_exception_groups=strict_exception_groups)
