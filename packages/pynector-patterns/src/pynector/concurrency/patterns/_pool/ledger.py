"""What a pool counts, times and tells."""

import logging
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from .event import PoolEvent, PoolEventKind
from .slot import Slot
from .state import PoolState
from .statistics import PoolStatistics
from .user_stack import as_text, user_calls
from .watch import PoolWatch

C = TypeVar("C")

logger = logging.getLogger("pynector.concurrency.patterns")


class Ledger:
    """The counters of a pool, and its voice.

    Args:
        watch: How closely the pool is watched.
    """

    __slots__ = (
        "_complained",
        "_hold_seconds",
        "_wait_seconds",
        "_watch",
        "created",
        "discarded",
        "failed",
        "fresh",
        "is_timed",
        "leases",
        "timed_out",
        "waited",
    )

    def __init__(self, watch: PoolWatch) -> None:
        self._watch = watch
        self._complained = set[PoolEventKind]()
        self.is_timed: bool = watch != PoolWatch()
        """Whether it matters how long each lease takes."""
        self.created: int = 0
        self.fresh: int = 0
        """Leases for which a connection was opened."""
        self.leases: int = 0
        """Leases of states that are no more."""
        self.discarded: int = 0
        self.failed: int = 0
        self.waited: int = 0
        self.timed_out: int = 0
        self._wait_seconds = 0.0
        self._hold_seconds = 0.0

    def tell(
        self,
        kind: PoolEventKind,
        connection: object = None,
        seconds: float = 0.0,
        error: BaseException | None = None,
    ) -> None:
        """Call `on_event`."""
        if self._watch.on_event is None:
            return
        try:
            self._watch.on_event(PoolEvent(kind, connection, seconds, error))
        except Exception:
            logger.exception("on_event of a connection pool failed")

    def hook_failed(self, kind: PoolEventKind, connection: object, seconds: float, error: Exception) -> None:
        """Call `on_event`; without one, say so in the log, once of each kind: each time costs a connection.

        That a connection is dead is no news: that is an `OSError`, but for a hook that takes too long.
        """
        self.tell(kind, connection, seconds, error)
        is_dead = isinstance(error, OSError) and not isinstance(error, TimeoutError)
        if self._watch.on_event is None and kind not in self._complained and not is_dead:
            self._complained.add(kind)
            logger.warning(
                "%s of a connection pool failed for %r, which is closed; the next times are told only to"
                " PoolWatch(on_event=...)",
                kind.removesuffix("_failed"),
                connection,
                exc_info=error,
            )

    def lease_began(self, slot: Slot[Any], asked_at: float, now: float) -> None:
        """A connection was lent; to be told only where leases are timed."""
        slot.lent_at = now
        waited = now - asked_at
        self._wait_seconds += waited
        if self._watch.leak_after is not None:
            slot.calls = user_calls()
        self.tell("lent", slot.connection, waited)

    def lease_ended(self, slot: Slot[Any], now: float) -> None:
        """A connection came back; to be told only where leases are timed."""
        held = now - slot.lent_at
        self._hold_seconds += held
        slot.calls = None
        self.tell("returned", slot.connection, held)

    def report_leaks(self, slots: Iterable[Slot[Any]], now: float) -> None:
        """Report each lease of *slots* that is longer than it should be, once."""
        if (leak_after := self._watch.leak_after) is None:
            return
        for slot in slots:
            if slot.calls is not None and now - slot.lent_at >= leak_after:
                self._report_leak(slot, now - slot.lent_at)

    def _report_leak(self, slot: Slot[Any], held: float) -> None:
        assert slot.calls is not None
        calls, slot.calls = as_text(slot.calls), None
        logger.warning(
            "connection %r has been lent for %.1f s, is it never given back?"
            " It was acquired here, most recent call last:\n%s",
            slot.connection,
            held,
            calls,
        )
        self.tell("leaked", slot.connection, held)

    def statistics(self, states: Collection[PoolState[Any]], max_connections: int) -> PoolStatistics:
        """Give the numbers of now, all states taken together."""
        return PoolStatistics(
            max_connections=max_connections,
            open=sum(len(state.slots) for state in states),
            idle=sum(len(state.idle) for state in states),
            lent=sum(state.lent for state in states),
            opening=sum(state.opening for state in states),
            closing=sum(state.closing for state in states),
            waiting=sum(state.waiting for state in states),
            created=self.created,
            reused=self.leases + sum(state.leases for state in states) - self.fresh,
            discarded=self.discarded,
            failed=self.failed,
            waited=self.waited,
            timed_out=self.timed_out,
            wait_seconds=self._wait_seconds if self.is_timed else None,
            hold_seconds=self._hold_seconds if self.is_timed else None,
        )
