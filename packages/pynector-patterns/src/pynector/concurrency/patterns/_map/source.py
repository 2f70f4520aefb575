"""What a bounded map takes its items from."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from anyio import CancelScope, current_time, get_cancelled_exc_class

from pynector.concurrency.task.lowlevel import ParkingLot, add_note, one_line

T = TypeVar("T")
R = TypeVar("R")
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


def close_source(items: Iterable[Any] | AsyncIterable[Any], leaving: BaseException | None = None) -> None:
    """End *items* if it is a plain generator: what it holds open, nobody else can close.

    Where *leaving* is an error that is about to be raised, one of closing is noted in it, and not raised.
    """
    if not isinstance(items, Generator):
        return
    try:
        items.close()
    except Exception as error:
        if leaving is None:
            raise
        add_note(leaving, f"closing the input failed, too: {one_line(error)}")


def _shield_for_a_while(scope: CancelScope) -> None:
    """Let what ends inside *scope* end undisturbed, but not take for ever."""
    scope.shield = True
    scope.deadline = current_time() + CLOSING_SECONDS


class Window(Generic[R]):
    """Which item may be taken, and which result is the next to be given. It decides, and never waits.

    Invariant: `taken - given <= size`: so many items were taken from the input whose results the consumer has
    not got yet.

    Args:
        size: See above.
        ordered: Give results in the order in which items were taken; otherwise as they arrive.

    Attributes:
        has_ended: Whether the input has no more items.
    """

    __slots__ = ("_arrived", "_given", "_ordered", "_results", "_size", "_taken", "has_ended")

    def __init__(self, size: float, *, ordered: bool) -> None:
        self.has_ended: bool = False
        self._size = size
        self._ordered = ordered
        self._taken = 0
        self._arrived = 0
        self._given = 0
        self._results: dict[int, R] = {}

    def __repr__(self) -> str:
        return f"<Window {self._taken} taken, {self._arrived} arrived, {self._given} given>"

    @property
    def has_room(self) -> bool:
        """Whether an item may be taken."""
        return self._taken - self._given < self._size

    @property
    def has_result(self) -> bool:
        """Whether the next result is there."""
        return self._given in self._results

    @property
    def is_finished(self) -> bool:
        """Whether all results have been given."""
        return self.has_ended and self._given == self._taken

    def take(self) -> int:
        """Take an item; gives its place."""
        self._taken += 1
        return self._taken - 1

    def put(self, place: int, result: R) -> None:
        """Put in the result of the item at *place*."""
        self._results[place if self._ordered else self._arrived] = result
        self._arrived += 1

    def give(self) -> R:
        """Take out the next result, which is there."""
        result = self._results.pop(self._given)
        self._given += 1
        return result
