"""What a pool tells of what happens in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import currentframe
from traceback import FrameSummary, StackSummary
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from pynector.concurrency.task.lowlevel import check_callable, check_seconds

if TYPE_CHECKING:
    from .state import PoolEntry


PoolEventKind: TypeAlias = Literal[
    "opened",
    "open_failed",
    "lent",
    "returned",
    "check_failed",
    "reset_failed",
    "broken",
    "closed",
    "close_failed",
    "timed_out",
    "leaked",
]
"""What happened in a pool; `PoolEvent` says what each means."""


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """One thing that happened in a pool, as `PoolWatch.on_event` is told.

    Attributes:
        kind: What happened, as in the table.
        connection: The connection, where there is one.
        seconds: How long it took, as in the table.
        error: What went wrong, where something did.

    Kinds:
        | kind | happened | seconds |
        | --- | --- | --- |
        | `opened`, `open_failed` | the factory gave a connection, or failed | of the factory |
        | `lent` | a lease began | since it was asked for |
        | `returned` | a lease ended | the lease |
        | `check_failed`, `reset_failed` | a hook said no; the connection is closed | 0 |
        | `broken` | the context manager of a connection ended by itself | 0 |
        | `closed`, `close_failed` | a connection was closed, or that failed or took too long | of closing |
        | `timed_out` | no connection within `acquire_timeout` | waited |
        | `leaked` | a lease is longer than `leak_after` | the lease so far |
    """

    kind: PoolEventKind
    connection: object = None
    seconds: float = 0.0
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """A pool in numbers. The first group describes the present; the others count since the pool was made.

    Attributes:
        max_connections: The most connections there may be.
        open: Connections that are idle or lent.
        idle: Connections that are open and not lent.
        lent: Connections that are lent, or on their way to or from a lease.
        opening: Connections that are being opened.
        closing: Connections that are being closed.
        waiting: Tasks that wait for a connection.
        created: Connections that were opened.
        reused: Leases of a connection that was open already.
        discarded: Connections that were closed.
        failed: UserCalls of the factory that failed.
        waited: Leases that had to wait for another's end.
        timed_out: Tasks that got no connection within `acquire_timeout`.
        wait_seconds: How long all leases waited, together; None unless the pool is `timed`.
        hold_seconds: How long all leases that have ended lasted, together; None unless the pool is `timed`.
    """

    max_connections: int
    open: int
    idle: int
    lent: int
    opening: int
    closing: int
    waiting: int

    created: int
    reused: int
    discarded: int
    failed: int
    waited: int
    timed_out: int
    wait_seconds: float | None = None
    hold_seconds: float | None = None

    def __str__(self) -> str:
        return (
            f"{self.idle} idle, {self.lent} lent, {self.opening} opening, {self.closing} closing"
            f" of at most {self.max_connections}; {self.waiting} waiting"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolWatch:
    """What is to be seen of a pool. Each of these makes a lease look at the clock.

    Immutable; share one between pools as you like.

    Attributes:
        on_event: Called with each `PoolEvent`, at once; for metrics. It must not wait. What it raises is
            logged, and goes no further.
        leak_after: Seconds after which a lease is reported, once, through `logging`, with the stack that
            acquired it; while the pool is entered.
        timed: Measure how long leases wait and last, for `statistics()`.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: *leak_after* is not positive.
    """

    on_event: Callable[[PoolEvent], object] | None = None
    leak_after: float | None = None
    timed: bool = False

    def __post_init__(self) -> None:
        if self.on_event is not None:
            check_callable("on_event", self.on_event)
        if self.leak_after is not None and check_seconds("leak_after", self.leak_after) <= 0:
            raise ValueError(f"leak_after must be > 0 seconds, not {self.leak_after}")


C = TypeVar("C")

logger = logging.getLogger("pynector.concurrency.patterns")


class PoolMonitor:
    """The counters of a pool, and its voice.

    Args:
        watch: How closely the pool is watched.
        errors: Where errors of hooks go that are no `Exception`, to be raised by whoever closes the pool.
    """

    __slots__ = (
        "_complained",
        "_hold_seconds",
        "_wait_seconds",
        "_watch",
        "created",
        "discarded",
        "errors",
        "failed",
        "fresh",
        "is_timed",
        "leases",
        "timed_out",
        "waited",
    )

    def __init__(self, watch: PoolWatch, errors: list[BaseException]) -> None:
        self._watch = watch
        self.errors: list[BaseException] = errors
        self._complained = set[PoolEventKind]()
        self.is_timed: bool = watch != PoolWatch()
        """Whether it matters how long each lease takes."""
        self.created: int = 0
        self.fresh: int = 0
        """Leases for which a connection was opened."""
        self.leases: int = 0
        """Leases that took the long way; the state counts the others."""
        self.discarded: int = 0
        self.failed: int = 0
        self.waited: int = 0
        self.timed_out: int = 0
        self._wait_seconds = 0.0
        self._hold_seconds = 0.0

    def emit(
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
        except KeyboardInterrupt:
            raise
        except Exception:
            logger.exception("on_event of a connection pool failed")
        except BaseException as error_of_hook:  # raised here, it would interrupt a step of the pool
            self.errors.append(error_of_hook)

    def hook_failed(self, kind: PoolEventKind, connection: object, seconds: float, error: Exception) -> None:
        """Call `on_event`; without one, say so in the log, once of each kind: each time costs a connection.

        An `OSError` means a dead connection and is not logged; a hook that takes too long is.
        """
        self.emit(kind, connection, seconds, error)
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

    def lease_began(self, entry: PoolEntry[Any], asked_at: float, now: float) -> None:
        """A connection was lent; to be told only where leases are timed."""
        entry.lent_at = now
        waited = now - asked_at
        self._wait_seconds += waited
        if self._watch.leak_after is not None:
            entry.calls = user_calls()
        self.emit("lent", entry.connection, waited)

    def lease_ended(self, entry: PoolEntry[Any], now: float) -> None:
        """A connection came back; to be told only where leases are timed."""
        held = now - entry.lent_at
        self._hold_seconds += held
        entry.calls = None
        self.emit("returned", entry.connection, held)

    def report_leaks(self, entries: Iterable[PoolEntry[Any]], now: float) -> None:
        """Report each lease of *entries* that is longer than it should be, once."""
        if (leak_after := self._watch.leak_after) is None:
            return
        for entry in entries:
            if entry.calls is not None and now >= entry.lent_at + leak_after:
                self._report_leak(entry, now - entry.lent_at)

    def _report_leak(self, entry: PoolEntry[Any], held: float) -> None:
        assert entry.calls is not None
        calls, entry.calls = as_text(entry.calls), None
        logger.warning(
            "connection %r has been lent for %.1f s, is it never given back?"
            " It was acquired here, most recent call last:\n%s",
            entry.connection,
            held,
            calls,
        )
        self.emit("leaked", entry.connection, held)

    def statistics(
        self,
        *,
        max_connections: int,
        total: int,
        idle: int,
        opening: int,
        closing: int,
        waiting: int,
        leases: int = 0,
    ) -> PoolStatistics:
        """Return the current numbers; *leases* are those that were not counted here."""
        is_open = total - opening - closing
        return PoolStatistics(
            max_connections=max_connections,
            open=is_open,
            idle=idle,
            lent=is_open - idle,
            opening=opening,
            closing=closing,
            waiting=waiting,
            created=self.created,
            reused=self.leases + leases - self.fresh,
            discarded=self.discarded,
            failed=self.failed,
            waited=self.waited,
            timed_out=self.timed_out,
            wait_seconds=self._wait_seconds if self.is_timed else None,
            hold_seconds=self._hold_seconds if self.is_timed else None,
        )


FRAMES = 12
LOOPS = (
    "asyncio.events",
    "asyncio.base_events",
    "asyncio.runners",
    "uvloop",
    "trio._core",
    "pynector.concurrency.testing",
)
OURS = "pynector.concurrency."

UserCalls: TypeAlias = tuple[tuple[CodeType, int], ...]
"""Where each call stands, the last one first: much cheaper to take than a `StackSummary`."""


def user_calls() -> UserCalls:
    """Return the calls that led here from the event loop, without those inside pynector."""
    calls: list[tuple[CodeType, int]] = []
    frame = currentframe()
    while frame is not None and len(calls) < FRAMES:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith(LOOPS):
            break
        if not module.startswith(OURS):
            calls.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(calls)


def as_text(calls: UserCalls) -> str:
    """Write calls as a traceback does, most recent call last."""
    frames = [
        FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)
        for code, line in reversed(calls)
    ]
    return "".join(StackSummary.from_list(frames).format())
