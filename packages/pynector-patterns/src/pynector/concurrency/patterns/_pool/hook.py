"""Functions of the user, which may be async or not."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeAlias, TypeVar

C = TypeVar("C")

Hook: TypeAlias = Callable[[C], Awaitable[object] | object]


async def call_hook(hook: Hook[C], connection: C) -> None:
    """Call *hook*, and wait for it if it is async.

    Raises:
        ConnectionError: it gave False.
    """
    answer = hook(connection)
    if isawaitable(answer):
        answer = await answer
    if answer is False:
        raise ConnectionError(f"{getattr(hook, '__name__', hook)}() gave False")
