"""How many calls share one task, and yet none sees the context variables that another has set."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from operator import is_
from types import coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


class ContextMark:
    """What the current context holds when this is made: calls that leave it so may follow each other in it.

    That is asked once a call, and nearly free; a context of its own for each call (`call_in`) costs more, and
    is needed only after a call has left something behind, or for one that came with another context.
    """

    __slots__ = ("_context", "_size", "_values")

    def __init__(self) -> None:
        self._context = copy_context()
        self._size = len(self._context)
        self._values = tuple(self._context.values())

    def matches(self, context: Context) -> bool:
        """Whether *context* holds the very same objects; objects that are merely equal are others."""
        if len(context) != self._size:
            return False
        # Values first, by identity: comparing contexts would call `__eq__` of those that are not the same.
        return not self._size or (all(map(is_, context.values(), self._values)) and context == self._context)


@coroutine
def call_in(context: Context, func: Callable[[T], Awaitable[R]], argument: T) -> Generator[Any, Any, R]:
    """Await `func(argument)` in the task that runs, each step of it inside *context*.

    Raises:
        TypeError: *func* gave nothing that can be awaited.
    """
    run: Callable[..., Any] = context.run
    coro = _as_coroutine(func, run(func, argument))
    send = coro.send
    try:
        request = run(send, None)
        while True:
            try:
                answer = yield request
            except BaseException as error:
                request = run(coro.throw, error)
            else:
                request = run(send, answer)
    except StopIteration as end:
        result: R = end.value
        return result


def _as_coroutine(func: Callable[..., object], awaitable: Any) -> Coroutine[Any, Any, Any]:
    if isinstance(awaitable, Coroutine):
        return cast("Coroutine[Any, Any, Any]", awaitable)
    if not inspect.isawaitable(awaitable):
        name = getattr(func, "__qualname__", None) or repr(func)
        raise TypeError(f"{name} must give an awaitable, not {awaitable!r}; is it an async function?")

    async def wait() -> Any:
        return await awaitable

    return wait()
