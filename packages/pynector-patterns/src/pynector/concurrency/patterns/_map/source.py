"""What a bounded map reads its items from."""

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator
from typing import Any, TypeVar

import anyio

T = TypeVar("T")

CLOSING_SECONDS = 5.0
"""How long an asynchronous generator may take to end after it was told to."""


def iterator_of(name: str, items: Iterable[T]) -> Iterator[T]:
    """Give an iterator over *items*.

    Raises:
        TypeError: there is none; names the parameter.
    """
    try:
        return iter(items)
    except TypeError:
        raise TypeError(f"{name} must be an iterable or an async iterable, not {items!r}") from None


def close_source(items: Iterable[Any]) -> None:
    """End *items* if it is a generator: what it holds open, nobody else can close."""
    if isinstance(items, Generator):
        items.close()


async def aclose_source(items: AsyncIterable[Any]) -> None:
    """End *items* if it is an asynchronous generator, shielded, and limited in time."""
    if isinstance(items, AsyncGenerator):
        with anyio.move_on_after(CLOSING_SECONDS, shield=True):
            await items.aclose()
