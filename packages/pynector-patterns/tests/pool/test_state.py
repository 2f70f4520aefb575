"""The laws of the pool's books, whatever happens in whatever order."""

from collections import deque
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pynector.concurrency.patterns._pool.slot import Grant, Slot, Turn
from pynector.concurrency.patterns._pool.state import PoolState


async def close() -> None: ...


class Books(PoolState[Any]):
    """Books with a queue of names instead of tasks."""

    def __init__(self, max_connections: int, *, fifo: bool) -> None:
        super().__init__(max_connections, fifo=fifo)
        self.queue: deque[int] = deque()
        self.granted: list[tuple[int, Grant[Any]]] = []

    def wake(self, grant: Grant[Any]) -> bool:
        if not self.queue:
            return False
        self.granted.append((self.queue.popleft(), grant))
        return True


class PoolBooks(RuleBasedStateMachine):
    @initialize(maximum=st.integers(1, 4), fifo=st.booleans())
    def make(self, maximum: int, fifo: bool) -> None:
        self.state = Books(maximum, fifo=fifo)
        self.bound = maximum
        self.lent: list[Slot[Any]] = []
        self.opening = 0
        self.closing = 0
        self.arrivals = 0
        self.last_served = 0

    def take(self, grant: Grant[Any]) -> None:
        if isinstance(grant, Slot):
            assert grant not in self.lent
            assert not grant.closed
            grant.lease = self
            self.lent.append(grant)
        else:
            self.opening += 1

    @rule()
    def acquire(self) -> None:
        grant = self.state.request()
        if grant is None:
            self.arrivals += 1
            self.state.queue.append(self.arrivals)
        else:
            self.take(grant)

    @precondition(lambda self: self.state.granted)
    @rule(cancelled=st.booleans())
    def run_the_woken(self, cancelled: bool) -> None:
        number, grant = self.state.granted.pop(0)
        if cancelled:
            if grant is Turn.OPEN:
                self.state.not_opened()
            elif not grant.closed:
                assert self.state.give_back(grant)
            return
        assert number > self.last_served
        self.last_served = number
        self.take(grant)

    @precondition(lambda self: self.state.queue)
    @rule(data=st.data())
    def cancel_one_who_waits(self, data: st.DataObject) -> None:
        self.state.queue.remove(data.draw(st.sampled_from(list(self.state.queue))))

    @precondition(lambda self: self.opening)
    @rule(works=st.booleans())
    def open(self, works: bool) -> None:
        self.opening -= 1
        if works:
            slot = Slot[Any](SimpleNamespace(), close)
            self.state.opened(slot)
            self.take(slot)
        else:
            self.state.failing = True
            self.state.not_opened()

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.lent))
        self.lent.remove(slot)
        self.state.give_back(slot)

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.lent))
        self.lent.remove(slot)
        self.state.retire(slot)
        self.closing += 1

    @precondition(lambda self: self.state.idle)
    @rule()
    def discard_idle(self) -> None:
        self.state.retire_idle(self.state.idle[0])
        self.closing += 1

    @precondition(lambda self: self.closing)
    @rule(replace=st.booleans())
    def end_closing(self, replace: bool) -> None:
        self.closing -= 1
        if replace:
            self.state.replaced()
            self.opening += 1
        else:
            self.state.gone()

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        self.state.expire(data.draw(st.sampled_from(self.lent)))

    @rule(maximum=st.integers(1, 4))
    def resize(self, maximum: int) -> None:
        self.state.max_connections = maximum
        self.state.pass_places_on()

    @invariant()
    def never_more_than_the_maximum(self) -> None:
        if not hasattr(self, "state"):
            return
        self.bound = max(self.state.max_connections, min(self.bound, self.state.total))
        assert self.state.total <= self.bound

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "state"):
            return
        granted = [grant for _, grant in self.state.granted]
        on_their_way = sum(isinstance(grant, Slot) for grant in granted)
        assert self.state.lent == len(self.lent) + on_their_way
        assert self.state.opening == self.opening + granted.count(Turn.OPEN)
        assert self.state.closing == self.closing

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        if not hasattr(self, "state") or not self.state.queue:
            return
        assert not self.state.idle
        assert self.state.total >= self.state.max_connections or (self.state.failing and self.state.opening)

    @invariant()
    def the_short_way_is_open_only_when_nothing_has_to_be_looked_at(self) -> None:
        if hasattr(self, "state") and self.state.calm:
            assert self.state.staying <= self.state.max_connections
            assert not any(slot.expired for slot in self.state.slots.values())


PoolBooks.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPoolBooks = PoolBooks.TestCase
