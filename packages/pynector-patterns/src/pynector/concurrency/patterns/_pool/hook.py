"""Functions of the user, which may be async or not."""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar

C = TypeVar("C")

Hook: TypeAlias = Callable[[C], Awaitable[object] | object]
Doubt: TypeAlias = Coroutine[Any, Any, None]


def call_hook(hook: Hook[C], connection: C) -> Doubt | None:
    """Call *hook*. None: it is done, and all is well. If not, await what this gives.

    That waits for the hook, if it is async, and raises what the hook raised, or `ConnectionError` if it gave
    False. So a hook that is not async, and content, needs neither a scope nor a coroutine.
    """
    try:
        answer = hook(connection)
    except BaseException as error:  # raised by whoever awaits this
        return _fail(error)
    if answer is False or isawaitable(answer):
        return _judge(hook, answer)
    return None


async def _fail(error: BaseException) -> None:
    raise error


async def _judge(hook: Hook[C], answer: object) -> None:
    if isawaitable(answer):
        answer = await answer
    if answer is False:
        raise ConnectionError(f"{getattr(hook, '__name__', hook)}() gave False")
