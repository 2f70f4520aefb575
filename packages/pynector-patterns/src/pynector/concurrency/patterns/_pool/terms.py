"""All that was said when a pool was made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pynector.concurrency.task.lowlevel import check_callable, check_int, check_seconds

from .hook import Hook
from .limits import PoolLimits
from .watch import PoolWatch

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Terms(Generic[C]):
    """The options of a pool, checked."""

    max_connections: int
    factory: Callable[..., Any]
    acquire_timeout: float | None
    limits: PoolLimits
    check: Hook[C] | None
    reset: Hook[C] | None
    order: Literal["lifo", "fifo"]
    grace: float
    close_timeout: float
    watch: PoolWatch

    def __post_init__(self) -> None:
        check_int("max_connections", self.max_connections, minimum=1)
        check_callable("connection_factory", self.factory)
        if self.acquire_timeout is not None:
            check_seconds("acquire_timeout", self.acquire_timeout, minimum=0)
        _check_type("limits", self.limits, PoolLimits)
        for name, hook in (("check", self.check), ("reset", self.reset)):
            if hook is not None:
                check_callable(name, hook)
        if self.order not in ("lifo", "fifo"):
            raise ValueError(f"order must be 'lifo' or 'fifo', not {self.order!r}")
        check_seconds("grace", self.grace, minimum=0)
        check_seconds("close_timeout", self.close_timeout, minimum=0)
        _check_type("watch", self.watch, PoolWatch)
        self.check_min_size(self.max_connections)

    def check_min_size(self, max_connections: int) -> None:
        if self.limits.min_size > max_connections:
            raise ValueError(
                f"min_size must be <= max_connections, not {self.limits.min_size} and {max_connections}"
            )

    @property
    def is_plain(self) -> bool:
        """Whether a lease needs nothing but to be handed out and taken back."""
        limits = self.limits
        ends = limits.max_idle, limits.max_lifetime, limits.max_uses
        return self.check is self.reset is None and ends == (None, None, None) and self.watch == PoolWatch()

    @property
    def needs_clock(self) -> bool:
        """Whether it matters when a lease begins and ends."""
        limits = self.limits
        return (limits.max_idle, limits.max_lifetime) != (None, None) or self.watch != PoolWatch()

    @property
    def needs_keeper(self) -> bool:
        """Whether connections are to be looked at while nobody asks for one."""
        limits = self.limits
        return (limits.max_idle, limits.max_lifetime, self.watch.leak_after) != (None, None, None)


def _check_type(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")
