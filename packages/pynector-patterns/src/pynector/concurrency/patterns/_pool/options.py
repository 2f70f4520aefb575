"""What opens a connection."""

import math
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pynector.concurrency.task.lowlevel import check_callable, check_int, check_number, check_seconds

from .monitoring import PoolWatch
from .state import PoolState

K = TypeVar("K", bound=Hashable)
C = TypeVar("C")

ConnectionFactory: TypeAlias = (
    Callable[[], Awaitable[C]]
    | Callable[[], AbstractAsyncContextManager[C]]
    | Callable[[], AbstractContextManager[C]]
)
"""An async function that gives a connection, or a function that gives a context manager."""

KeyedConnectionFactory: TypeAlias = (
    Callable[[K], Awaitable[C]]
    | Callable[[K], AbstractAsyncContextManager[C]]
    | Callable[[K], AbstractContextManager[C]]
)
"""The same, called with the key."""


Hook: TypeAlias = Callable[[C], Awaitable[object] | object]
PendingHook: TypeAlias = Coroutine[Any, Any, None]


def call_hook(hook: Hook[C], connection: C) -> PendingHook | None:
    """Call *hook*. None: it is done, and all is well. If not, await what this gives.

    That waits for the hook, if it is async, and raises what the hook raised, or `ConnectionError` if it gave
    False. So a hook that is not async, and content, needs neither a scope nor a coroutine.
    """
    try:
        answer = hook(connection)
    except BaseException as error:  # raised by whoever awaits this
        return _fail(error)
    if answer is None or answer is True:
        return None  # asked first: `isawaitable` costs more than most that is done for a lease
    if answer is False or isawaitable(answer):
        return _judge(hook, answer)
    return None


async def _fail(error: BaseException) -> None:
    raise error


async def _judge(hook: Hook[C], answer: object) -> None:
    if isawaitable(answer):
        answer = await answer
    if answer is False:
        raise ConnectionError(f"{getattr(hook, '__name__', hook)}() gave False")


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
        if not 0 <= check_number("lifetime_jitter", self.lifetime_jitter) <= 1:
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


def _check(check: Any, name: str, value: object, minimum: int = 0) -> None:
    if value is not None:
        check(name, value, minimum=minimum)


CONNECT_TIMEOUT = 30.0
"""Seconds that opening a connection may take, unless *acquire_timeout* lets a caller wait longer for it."""


def connect_timeout_for(acquire_timeout: float | None) -> float:
    """Return the limit for opening a connection where none was given."""
    if acquire_timeout is None:
        return math.inf
    return max(CONNECT_TIMEOUT, check_seconds("acquire_timeout", acquire_timeout, minimum=0))


@dataclass(frozen=True, slots=True)
class PoolOptions(Generic[C]):
    """The options of a pool, checked."""

    max_connections: int
    factory: Callable[..., Any]
    acquire_timeout: float | None
    connect_timeout: float
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
        check_seconds("connect_timeout", self.connect_timeout, minimum=0)
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

    def make_state(
        self, max_connections: int, capacity: Any = None, same_loop_as: Any = None
    ) -> PoolState[C]:
        """Make the state of a pool, or of one key of a pool."""
        return PoolState(
            max_connections,
            fifo=self.order == "fifo",
            has_no_hooks=self.has_no_hooks,
            bounded=self.limits.max_waiting is not None,
            capacity=capacity,
            same_loop_as=same_loop_as,
        )

    @property
    def has_no_hooks(self) -> bool:
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
    def needs_maintenance(self) -> bool:
        """Whether connections are to be looked at while nobody asks for one."""
        limits = self.limits
        return (limits.max_idle, limits.max_lifetime, self.watch.leak_after) != (None, None, None)


def _check_type(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")
