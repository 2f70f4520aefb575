"""What a bounded map takes its items from."""

import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from anyio import CancelScope, current_time, get_cancelled_exc_class

from pynector.concurrency.task.lowlevel import ParkingLot

from .window import Window

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CLOSING_SECONDS = 5.0
"""How long an asynchronous generator may take to end after it was told to."""


class Source(Protocol[T_co]):
    """Where workers get their items."""

    async def take(self) -> tuple[int, T_co] | None:
        """Wait until there is room in the window, and give the next item with its place; None is the end."""
        ...

    def tell_of_room(self) -> None:
        """There is room in the window again."""
        ...


class PulledSource(Generic[T]):
    """An iterable, from which workers pull their items themselves."""

    __slots__ = ("_items", "_room", "_window")

    def __init__(self, items: Iterator[T], window: Window[Any]) -> None:
        self._items = items
        self._window = window
        self._room: ParkingLot[None] = ParkingLot("room in concurrent_map")

    async def take(self) -> tuple[int, T] | None:
        window = self._window
        while not (window.has_room or window.has_ended):
            await self._room.park(self._pass_on)
        if not window.has_ended:
            for item in self._items:
                return window.take(), item
            window.has_ended = True
        self._room.unpark(None)  # each tells the next that it is the end
        return None

    def tell_of_room(self) -> None:
        if self._room.queue:
            self._room.unpark(None)

    def _pass_on(self, _: None) -> None:
        self.tell_of_room()


class ReadSource(Generic[T]):
    """An async iterable: one task of its own enters, advances and closes it, and hands the items to workers.

    So scopes and task groups may be open inside it; a cancellation reaches it also while it is not advanced.
    It is advanced only when a worker waits for an item.
    """

    __slots__ = ("_demand", "_items", "_wanted", "_window")

    def __init__(self, items: AsyncIterable[T], window: Window[Any]) -> None:
        self._items = items
        self._window = window
        self._wanted: ParkingLot[tuple[int, T] | None] = ParkingLot("an item of concurrent_map")
        self._demand: ParkingLot[None] = ParkingLot("demand in concurrent_map")

    async def take(self) -> tuple[int, T] | None:
        if self._window.has_ended:
            return None
        self.tell_of_room()
        return await self._wanted.park(_drop)

    def tell_of_room(self) -> None:
        if self._demand.queue:
            self._demand.unpark(None)

    async def read(self) -> None:
        """Advance the input until it ends, or this is cancelled, and close it."""
        items = aiter(self._items)
        with CancelScope() as scope:  # around all scopes that the input opens
            try:
                while True:
                    item = await self._next(items, scope)
                    self._wanted.unpark((self._window.take(), item))
            except StopAsyncIteration:
                pass
            finally:
                if isinstance(items, AsyncGenerator):
                    _shield_for_a_while(scope)
                    await items.aclose()
        self._window.has_ended = True
        while self._wanted.unpark(None) is not None:
            pass

    async def _next(self, items: AsyncIterator[T], scope: CancelScope) -> T:
        try:
            await self._wait_for_demand()
        except get_cancelled_exc_class() as error:
            if not isinstance(items, AsyncGenerator):
                raise
            # It may be a scope that is open inside the input: that, and no other, takes the cancellation.
            _shield_for_a_while(scope)
            item: T = await items.athrow(error)
            scope.shield, scope.deadline = False, math.inf
            return item
        return await anext(items)

    async def _wait_for_demand(self) -> None:
        while not (len(self._wanted) and self._window.has_room):
            await self._demand.park(_drop)


def _drop(_: object) -> None:
    """A worker was cancelled natively, and the map with it: nobody needs the item."""


def iterator_of(name: str, items: Iterable[T]) -> Iterator[T]:
    """Return an iterator over *items*.

    Raises:
        TypeError: there is none; names the parameter.
    """
    try:
        return iter(items)
    except TypeError:
        raise TypeError(f"{name} must be an iterable or an async iterable, not {items!r}") from None


def close_source(items: Iterable[Any] | AsyncIterable[Any]) -> None:
    """End *items* if it is a plain generator: what it holds open, nobody else can close."""
    if isinstance(items, Generator):
        items.close()


def _shield_for_a_while(scope: CancelScope) -> None:
    """Let what ends inside *scope* end undisturbed, but not take for ever."""
    scope.shield = True
    scope.deadline = current_time() + CLOSING_SECONDS
