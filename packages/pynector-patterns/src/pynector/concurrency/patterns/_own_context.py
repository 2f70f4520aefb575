"""How many calls share one task, and yet none sees the context variables that another has set."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from gc import get_referents
from types import CoroutineType, coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")
AnyCoroutine = Coroutine[Any, Any, Any]


def _tells_contents(referents: Callable[..., list[object]]) -> bool:
    context, variable = Context(), ContextVar[int]("variable")
    context.run(variable.set, 1)
    copy = context.copy()
    before = referents(context, copy)
    copy.run(variable.set, 2)
    after = referents(context, copy)
    return len(before) == len(after) == 2 and before[0] is before[1] is after[0] is not after[1]


contents_of: Callable[..., list[object]]
"""Gives what each of the contexts holds: the same object for both, only if both hold the very same values.

A call may run in a task's context as it is, if that holds what the call's own would. Comparing contexts does
not tell: it takes equal values for the same, and calls their `__eq__`. CPython keeps what a context holds in
an immutable mapping that copies share until one is changed, and that is all a context refers to. Where that
is not so, no two contexts are known to hold the same.
"""
contents_of = (
    get_referents if _tells_contents(get_referents) else lambda *contexts: [object() for _ in contexts]
)


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


def _as_coroutine(func: Callable[..., object], awaitable: object) -> AnyCoroutine:
    if isinstance(awaitable, CoroutineType):
        return cast(AnyCoroutine, awaitable)
    if not inspect.isawaitable(awaitable):
        name = getattr(func, "__qualname__", None) or repr(func)
        raise TypeError(f"{name} must give an awaitable, not {awaitable!r}; is it an async function?")

    async def wait() -> Any:
        return await awaitable

    return wait()
