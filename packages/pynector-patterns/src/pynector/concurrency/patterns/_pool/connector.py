"""How connections are made from what the factory gives."""

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Generic, TypeVar

from .attempt import Attempt
from .close_method import closer_of
from .owner import Owner
from .slot import Slot

C = TypeVar("C")


class Connector(Generic[C]):
    """Opens connections.

    Args:
        factory: Gives an awaitable or a context manager.
        broken: Called with the slot of a connection whose context manager ended by itself, and the error.
    """

    __slots__ = ("_broken", "_factory", "may_own")

    def __init__(
        self, factory: Callable[[], Any], broken: Callable[[Slot[C], BaseException | None], object]
    ) -> None:
        self._factory = factory
        self._broken = broken
        self.may_own: bool = False
        """Whether there is an end to what a task of its own is started for."""

    async def open(self, attempt: Attempt) -> Slot[C]:
        """Open a connection. If that fails, what is left of the attempt is its owner's."""
        made = self._factory()
        if isawaitable(made):
            connection: C = await made
            return Slot(connection, closer_of(connection))
        if hasattr(made, "__aenter__") or hasattr(made, "__enter__"):
            return await self._open_owned(made, attempt)
        raise TypeError(
            f"connection_factory must be an async function or give a context manager, not {made!r}"
        )

    async def _open_owned(self, manager: Any, attempt: Attempt) -> Slot[C]:
        if not self.may_own:
            raise RuntimeError(
                "connection_factory gives a context manager, which needs a task to live in;"
                " acquire connections inside 'async with pool'"
            )
        slot: Slot[C] | None = None

        def broken(error: BaseException | None) -> None:
            if slot is not None:
                self._broken(slot, error)

        owner: Owner[C] = Owner(manager, broken)
        attempt.owner = owner
        slot = Slot(await owner.open(), owner.close)
        return slot
