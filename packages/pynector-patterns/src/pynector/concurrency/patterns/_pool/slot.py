"""A connection as the pool sees it."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

C = TypeVar("C")


class Slot(Generic[C]):
    """One open connection, with what the pool knows of it.

    Attributes:
        connection: What the factory gave.
        close: Closes it.
        lease: Who has it, any object that tells this lease from others; None while it is not lent.
        expired: It works, and whoever has it may go on, but it is not to be lent again.
        closed: The pool closes it, or has closed it.
    """

    __slots__ = ("close", "closed", "connection", "expired", "lease")

    def __init__(self, connection: C, close: Callable[[], Awaitable[object]]) -> None:
        self.connection = connection
        self.close = close
        self.lease: object = None
        self.expired = False
        self.closed = False

    def __repr__(self) -> str:
        return f"<Slot of {self.connection!r}, {'idle' if self.lease is None else 'lent'}>"


class Turn(Enum):
    """What one who waits may be told, other than a connection."""

    OPEN = "open a connection, a place is kept for it"
    LATE = "the time to wait is over"


Grant: TypeAlias = Slot[C] | Turn
