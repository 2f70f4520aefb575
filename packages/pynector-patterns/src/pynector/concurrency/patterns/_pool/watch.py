"""How closely a pool is watched."""

from collections.abc import Callable
from dataclasses import dataclass

from pynector.concurrency.task.lowlevel import check_callable, check_seconds

from .event import PoolEvent


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

    @property
    def is_off(self) -> bool:
        """Whether nothing is to be seen."""
        return self.on_event is None and self.leak_after is None and not self.timed
