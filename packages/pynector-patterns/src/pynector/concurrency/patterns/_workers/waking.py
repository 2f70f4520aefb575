"""Waking all who wait for one thing."""

from pynector.concurrency.task.lowlevel import ParkingLot


def wake_all(lot: ParkingLot[None]) -> None:
    """Wake all tasks in *lot*."""
    while lot.unpark(None) is not None:
        pass
