"""A connection as the pool sees it."""

import math
from collections.abc import Awaitable, Callable
from enum import Enum
from traceback import StackSummary
from typing import Generic, TypeAlias, TypeVar

C = TypeVar("C")


class Slot(Generic[C]):
    """One open connection, with what the pool knows of it. Times are of the event loop's clock.

    Attributes:
        connection: What the factory gave.
        close: Closes it.
        lease: Who has it, any object that tells this lease from others; None while it is not lent.
        expired: It works, and whoever has it may go on, but it is not to be lent again.
        closed: The pool closes it, or has closed it.
        uses: How many times it was lent, where the pool counts that.
        ends_at: When it has lived long enough.
        idle_since: Since when it has been idle, where the pool looks at that.
        lent_at: Since when it has been lent, where the pool looks at that.
        stack: Where it was acquired, until a leak is told.
    """

    __slots__ = (
        "close",
        "closed",
        "connection",
        "ends_at",
        "expired",
        "idle_since",
        "lease",
        "lent_at",
        "stack",
        "uses",
    )

    def __init__(self, connection: C, close: Callable[[], Awaitable[object]]) -> None:
        self.connection: C = connection
        self.close: Callable[[], Awaitable[object]] = close
        self.lease: object = None
        self.expired: bool = False
        self.closed: bool = False
        self.uses: int = 0
        self.ends_at: float = math.inf
        self.idle_since: float = 0.0
        self.lent_at: float = 0.0
        self.stack: StackSummary | None = None

    def __repr__(self) -> str:
        return f"<Slot of {self.connection!r}, {'idle' if self.lease is None else 'lent'}>"


class Turn(Enum):
    """What one who waits may be told, other than a connection."""

    OPEN = "open a connection, a place is kept for it"
    LATE = "the time to wait is over"


Grant: TypeAlias = Slot[C] | Turn
