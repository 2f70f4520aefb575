"""How many connections, and for how long."""

from dataclasses import dataclass
from typing import Any

from pynector.concurrency.task.lowlevel import check_int, check_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLimits:
    """How many connections a pool keeps, for how long it uses each, and how many may wait.

    Immutable; share one between pools as you like. None means no limit.

    Attributes:
        min_size: Connections kept open while the pool is entered, and opened ahead.
        max_idle: Seconds after which an idle connection is closed, unless *min_size* needs it. 0: as soon as
            it comes back.
        max_lifetime: Seconds after which a connection is not lent again. 0: each is lent once.
        lifetime_jitter: The share of *max_lifetime* by which a connection may end earlier, chosen at random
            for each: so they do not all end at once. From 0 to 1.
        max_uses: How many times a connection is lent before it is closed.
        max_waiting: How many may wait for a connection; one more fails at once with `PoolFullError`.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a value out of its range, *max_idle* longer than *max_lifetime*, or a *min_size* of
            connections that have no lifetime.
    """

    min_size: int = 0
    max_idle: float | None = None
    max_lifetime: float | None = None
    lifetime_jitter: float = 0.1
    max_uses: int | None = None
    max_waiting: int | None = None

    def __post_init__(self) -> None:
        check_int("min_size", self.min_size, minimum=0)
        _check(check_seconds, "max_idle", self.max_idle)
        _check(check_seconds, "max_lifetime", self.max_lifetime)
        _check(check_int, "max_uses", self.max_uses, minimum=1)
        _check(check_int, "max_waiting", self.max_waiting)
        if not 0 <= self.lifetime_jitter <= 1:
            raise ValueError(f"lifetime_jitter must be from 0 to 1, not {self.lifetime_jitter}")
        if self.max_idle is not None and self.max_lifetime is not None and self.max_idle > self.max_lifetime:
            raise ValueError(
                f"max_idle must be <= max_lifetime, not {self.max_idle} and {self.max_lifetime};"
                " a connection that has ended is not idle"
            )
        if self.min_size and self.max_lifetime == 0:
            raise ValueError(
                f"max_lifetime must be > 0 with a min_size, not 0 and {self.min_size};"
                " what has ended is not kept"
            )

    @property
    def is_plain(self) -> bool:
        """Whether a connection may be lent again without a further look at it."""
        return self.max_idle is None and self.max_lifetime is None and self.max_uses is None

    @property
    def needs_keeper(self) -> bool:
        """Whether there is something to be done while nobody asks for a connection."""
        return bool(self.min_size) or self.max_idle is not None or self.max_lifetime is not None


def _check(check: Any, name: str, value: object, minimum: int = 0) -> None:
    if value is not None:
        check(name, value, minimum=minimum)
