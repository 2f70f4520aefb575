"""The record of a task that waits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from ._parking_lot import ParkingLot


@dataclass(frozen=True, slots=True)
class ParkedTask:
    """Who waits for what, since when, held by whom.

    Attributes:
        name: The task's name.
        waits_for: What it waits for, such as `Lock`.
        since: When it began to wait, in seconds on the event loop's clock (`anyio.current_time()`).
        held_by: The names of those who hold what it waits for; empty if nobody does, or none is known.
    """

    name: str
    waits_for: str
    since: float
    held_by: tuple[str, ...]

    def __str__(self) -> str:
        holders = f", held by {', '.join(map(repr, self.held_by))}" if self.held_by else ""
        return f"{self.name!r} waits for {self.waits_for} since {self.since:.3f}{holders}"


_lots: RunVar["WeakSet[ParkingLot[Any]]"] = RunVar("pynector_parking_lots")


def remember(lot: "ParkingLot[Any]") -> None:
    """Take note of a lot that belongs to the event loop that runs here, for as long as it lives."""
    lots = _lots.get(None)
    if lots is None:
        new: WeakSet[ParkingLot[Any]] = WeakSet()
        _lots.set(lots := new)
    lots.add(lot)


def parked_tasks() -> list[ParkedTask]:
    """Return who waits for what in this event loop, since when, and held by whom; longest wait first.

    It sees all that waits in pynector's primitives and patterns, and in every `ParkingLot` of your own. Who
    holds it is known of locks and limiters.

    Raises:
        anyio.NoEventLoopError: no event loop runs in this thread; ask in that of the loop, as with
            `anyio.from_thread.run_sync(parked_tasks)`.
    """
    lots = _lots.get(None) or ()
    return sorted((parked for lot in lots for parked in lot.parked()), key=lambda parked: parked.since)
