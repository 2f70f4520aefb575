"""An awaitable that is done."""

from collections.abc import Generator
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Ready(Generic[T_co]):
    """The result of a call that has done its work, for those who await it all the same.

    Awaiting gives the value at once: nothing waits, and it is no checkpoint. Not awaiting is as good.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._value
        yield  # makes this a generator, which is what an awaitable must give

    def __repr__(self) -> str:
        return f"<Ready {self._value!r}>"


READY: Ready[None] = Ready(None)
"""The one that gives None."""
