"""The lots of an event loop: who waits in all of them."""

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from anyio.lowlevel import RunVar

from ._parked_task import ParkedTask

if TYPE_CHECKING:
    from ._parking_lot import ParkingLot

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
