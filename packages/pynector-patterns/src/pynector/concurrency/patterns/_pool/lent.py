"""For how long each connection has been lent, and to whom, for those who wait in vain."""

from collections.abc import Collection
from typing import Any

from pynector.concurrency.task.lowlevel import current_time, tasks_that_hold

from .slot import Slot

TOLD = 3
"""Connections that are described one by one."""


class Lent:
    """Looks at what is lent from time to time, so that a lease itself costs nothing more.

    What is found is kept for a while: many tasks that run out of time at once share one look.
    """

    __slots__ = ("_looked_at", "_seen", "_text")

    def __init__(self) -> None:
        self._seen: dict[Slot[Any], tuple[object, float]] = {}
        self._looked_at = 0.0
        self._text = ""

    def look(self, slots: Collection[Slot[Any]], interval: float) -> None:
        """Remember who has which connection, unless that was done within the last *interval* seconds."""
        now = current_time()
        if self._seen and now < self._looked_at + interval:
            return
        before, self._looked_at, self._text = self._seen, now, ""
        self._seen = {}
        for slot in slots:
            if slot.lease is not None:
                lease, since = before.get(slot, (None, now))
                self._seen[slot] = (slot.lease, since if lease is slot.lease else now)

    def describe(self, slots: Collection[Slot[Any]]) -> str:
        """Say for how long each connection has been lent, at least, and to which task; the longest first."""
        if not self._text:
            now = current_time()
            lent = [slot for slot in slots if slot.lease is not None]
            since = {slot: min(now, self._since(slot, now)) for slot in lent}
            lent.sort(key=since.__getitem__)
            told = lent[:TOLD]
            tasks = tasks_that_hold([thing for slot in told for thing in (slot.lease, slot.connection)])
            lines = [
                f"{slot.connection!r} has been lent for at least {now - since[slot]:.1f} s, to "
                + (tasks.get(id(slot.lease)) or tasks.get(id(slot.connection)) or NOBODY)
                for slot in told
            ]
            if len(lent) > TOLD:
                lines.append(f"and {len(lent) - TOLD} more")
            self._text = "; ".join(lines)
        return self._text

    def _since(self, slot: Slot[Any], now: float) -> float:
        lease, since = self._seen.get(slot, (None, now))
        if slot.lent_at:
            return slot.lent_at  # known where leases are timed
        return since if lease is slot.lease else now


NOBODY = "no task that has it in a variable: is it never given back?"
