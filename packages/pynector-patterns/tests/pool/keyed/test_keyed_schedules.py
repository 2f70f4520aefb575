"""Tasks that want connections to many hosts: in any order, whoever is cancelled, the books are right."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from internet import Connection, Internet, use

from pynector.concurrency.patterns import (
    KeyedConnectionPool,
    PoolFactoryError,
    PoolLimits,
    PoolTimeoutError,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import start_budget
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

# pyright: reportPrivateUsage=false


@dataclass(frozen=True)
class Visit:
    """One task: it comes, waits for a connection to its host, and keeps it for some time."""

    host: str
    comes: float = 0
    patience: float | None = None
    stays: float = 1

    async def run(self, pool: KeyedConnectionPool[str, Connection]) -> None:
        await anyio.sleep(self.comes)
        with suppress(OSError, PoolFactoryError, PoolTimeoutError), anyio.move_on_after(self.patience):
            async with pool.acquire(self.host) as connection:
                assert connection.host == self.host
                await anyio.sleep(self.stays)


class FailsAtTimes:
    """A check of a pool's that finds each second connection dead."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, connection: Connection) -> bool:
        self.calls += 1
        return self.calls % 2 == 1


@dataclass(frozen=True)
class Crowd:
    """A scenario: these visits, then all that can be had at once.

    Attributes:
        down: Hosts that cannot be reached.
        expires: When all connections are told to be renewed, if they are.
        fails_at_times: Whether each second check fails.
        options: Other arguments of the pool.
    """

    max_per_key: int
    max_connections: int
    visits: tuple[Visit, ...]
    down: frozenset[str] = frozenset()
    expires: float | None = None
    fails_at_times: bool = False
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    async def __call__(self) -> None:
        internet = Internet()
        internet.down.update(self.down)
        options = {**self.options, "check": FailsAtTimes()} if self.fails_at_times else self.options
        pool = internet.pool(self.max_per_key, self.max_connections, **options)
        invariant(lambda: self.check(internet, pool))
        async with pool:
            async with anyio.create_task_group() as tg:
                for visit in self.visits:
                    tg.start_soon(visit.run, pool, name="visit")
                if self.expires is not None:
                    await anyio.sleep(self.expires)
                    await pool.expire_all()
            statistics, keys = pool.statistics(), pool._keys.capacity
            assert (statistics.lent, statistics.waiting, keys.waiting) == (0, 0, 0)
            assert keys.queue.first() is None
            if not self.fails_at_times:
                for number in range(self.max_connections):
                    await pool.acquire(f"new {number}")
        assert internet.open == []

    def check(self, internet: Internet, pool: KeyedConnectionPool[str, Connection]) -> None:
        assert len(internet.open) <= self.max_connections
        assert max(internet.hosts().values(), default=0) <= self.max_per_key
        keys = pool._keys.capacity
        branches = [core.state for core in pool._keys.all()]
        assert keys.taken == sum(branch.total for branch in branches) <= self.max_connections
        assert keys.closing == sum(branch.closing - branch.replacing for branch in branches)
        assert (keys.waiting, keys.claimed) == sums(branch.reported[2:] for branch in branches)
        # Nobody is forgotten: a need may have gone unnoticed, but none has come so.
        needed, claimed = dict[Any, int](), 0
        for branch in branches:
            waiting, claims, needs = branch.demand()
            live = len(branch.lot.tasks())
            assert waiting <= branch.reported[2]
            needed[branch] = min(needs, live)
            claimed += min(claims, live)
        assert all(needs <= keys.queue.needs(branch) for branch, needs in needed.items())
        if not pool._keys.closed:
            # What is free is needed by nobody.
            assert not (keys.has_place and any(needed.values()))
            idle = any(branch.idle for branch in branches if not branch.failing)
            assert keys.has_place or claimed <= keys.closing or not idle


def sums(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    first, second = zip((0, 0), *pairs, strict=True)
    return sum(first), sum(second)


def crowd(max_per_key: int, max_connections: int, hosts: str, *, down: str = "", **options: Any) -> Crowd:
    """All come at once, and stay for a second."""
    return Crowd(max_per_key, max_connections, tuple(map(Visit, hosts)), frozenset(down), options=options)


CROWDS = {
    "one place": crowd(1, 1, "abab"),
    "two places": crowd(2, 2, "aaabc"),
    "plain": crowd(1, 2, "abcab", limits=PoolLimits()),
    "three places": crowd(3, 3, "aaaabbc", order="fifo"),
    "a host that is down": crowd(2, 2, "abaab", down="b"),
    "late": crowd(1, 1, "abac", acquire_timeout=1.5),
    "managed": crowd(1, 2, "abca", managed=True),
    "lent once": crowd(1, 2, "aaba", check=lambda _: False),
    "closed when it comes back": crowd(1, 2, "abbac", reset=lambda connection: connection.host != "a"),
}

LIMITS = [
    PoolLimits(),
    PoolLimits(max_idle=60),
    PoolLimits(max_idle=0.6),
    PoolLimits(max_idle=1, max_lifetime=1.5),
    PoolLimits(max_idle=0),
    PoolLimits(max_uses=1),
]


@st.composite
def crowds(draw: st.DrawFn) -> Crowd:
    """Let all come, stay and give up at any time, with most of what a pool can be told."""
    max_per_key = draw(st.integers(1, 3))
    visits = st.builds(
        Visit,
        host=st.sampled_from("abcd"),
        comes=st.sampled_from([0, 0.5, 1]),
        patience=st.sampled_from([None, 0.7]),
        stays=st.sampled_from([0, 0.5, 1, 2]),
    )
    return Crowd(
        max_per_key,
        max_per_key + draw(st.integers(0, 2)),
        tuple(draw(st.lists(visits, min_size=2, max_size=6))),
        down=draw(st.sampled_from([frozenset(), frozenset("a")])),
        expires=draw(st.sampled_from([None, 0.7])),
        fails_at_times=draw(st.booleans()),
        options={
            "managed": draw(st.booleans()),
            "order": draw(st.sampled_from(["lifo", "fifo"])),
            "acquire_timeout": draw(st.sampled_from([None, 30, 1.2])),
            "limits": draw(st.sampled_from(LIMITS)),
            "reset": draw(st.sampled_from([None, lambda connection: connection.host != "b"])),
        },
    )


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", CROWDS)
def test_nothing_is_lost_in_any_order(name: str, backend: str) -> None:
    explore(CROWDS[name], schedules=100, backend=backend).check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", CROWDS)
def test_nothing_is_lost_whoever_is_cancelled(name: str, backend: str) -> None:
    cancel_everywhere(CROWDS[name], backend=backend, victims=lambda task: task == "visit").check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(settings.get_profile("explored"))
@given(crowd=crowds())
def test_nothing_is_lost_of_a_drawn_crowd(crowd: Crowd, backend: str) -> None:
    explore(crowd, schedules=10, backend=backend, max_failures=1).check()
    cancel_everywhere(crowd, backend=backend, victims=lambda task: task == "visit", max_failures=1).check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("limits", [PoolLimits(), PoolLimits(max_idle=60)], ids=["", "max_idle"])
def test_a_key_that_is_forgotten_while_a_lease_of_it_gives_way_is_known_again(
    backend: str, limits: PoolLimits
) -> None:
    async def scenario() -> None:
        internet = Internet()
        async with internet.pool(1, 1, limits=limits) as pool:
            await use(pool, "a")
            start_budget(1)  # who asks first passes a checkpoint
            async with create_task_group() as tg:
                for host in "ab":
                    tg.start_soon(use, pool, host)
            assert set(pool.keys()) == set(internet.hosts())
        assert internet.open == []

    explore(scenario, schedules=200, backend=backend).check()
