"""How many calls share one task, and yet none sees the context variables that another has set."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from gc import get_referents
from types import CoroutineType, coroutine
from typing import Any, TypeVar, cast

from ._function_name import can_be_awaited, not_async

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
"""Returns what each of the contexts holds: the same object for both, only if both hold the very same values.

A call may run in a task's context as it is, if that holds what the call's own would. Comparing contexts does
not tell: it takes equal values for the same, and calls their `__eq__`. CPython keeps what a context holds in
an immutable mapping that copies share until one is changed, and that is all a context refers to. Where that
is not so, no two contexts are known to hold the same.
"""
contents_of = (
    get_referents if _tells_contents(get_referents) else lambda *contexts: [object() for _ in contexts]
)


@coroutine
def call_in(
    context: Context, func: Callable[[T], Awaitable[R]], argument: T, parameter: str = "func"
) -> Generator[Any, Any, R]:
    """Await `func(argument)` in the task that runs, each step of it inside *context*.

    Args:
        context: Where it runs.
        func: An async function.
        argument: What it is called with.
        parameter: As what users gave the function, for the error's text.

    Raises:
        TypeError: *func* gave nothing that can be awaited.
    """
    run: Callable[..., Any] = context.run
    awaitable = run(func, argument)
    if not can_be_awaited(awaitable):
        raise not_async(parameter, func, awaitable)
    coro = _as_coroutine(awaitable)
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


def _as_coroutine(awaitable: Awaitable[object]) -> AnyCoroutine:
    if isinstance(awaitable, CoroutineType):
        return cast(AnyCoroutine, awaitable)

    async def wait() -> Any:
        return await awaitable

    return wait()
