"""A call that runs to its end."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import ParamSpec, TypeVar

from anyio import CancelScope

from pynector.concurrency.task.lowlevel import check_callable

P = ParamSpec("P")
T = TypeVar("T")


async def shield(func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `func(*args, **kwargs)` and give its result, whatever is cancelled outside meanwhile.

    If a scope outside is cancelled meanwhile, that shows at the first checkpoint after this call. There is
    no limit in time: for one, put the call into `with move_on_after(seconds, shield=True)`.

    As with AnyIO's shields, a native `asyncio.Task.cancel()` of the very task is not held back.

    Args:
        func: An async function, usually one that cleans up.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Raises:
        TypeError: *func* cannot be called, or gave nothing that can be awaited.

    Example:
        ```python
        import anyio
        from pynector.concurrency.errors import shield

        async def say_goodbye() -> None:
            await anyio.sleep(0.01)
            print("goodbye")
            #> goodbye

        async def main() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                try:
                    await anyio.sleep_forever()
                finally:
                    await shield(say_goodbye)

        anyio.run(main)
        ```
    """
    check_callable("func", func)
    with CancelScope(shield=True):
        result = func(*args, **kwargs)
        if not isawaitable(result):
            raise TypeError(f"func must be an async function: it gave {result!r}, which cannot be awaited")
        return await result
    raise AssertionError("a scope that nobody cancels swallows nothing")  # pragma: no cover
