"""The algorithm, without a clock."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pynector.concurrency.primitives._rate_limiter import Gcra

pauses = st.lists(st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0, 3.7, 20.0]), max_size=60)


@given(pauses, st.sampled_from([0.25, 1.0, 3.0]), st.integers(1, 5))
def test_no_window_holds_more_than_rate_and_burst_allow(
    pauses: list[float], interval: float, burst: int
) -> None:
    gcra = Gcra(interval, burst)
    now, taken = 0.0, list[float]()
    for pause in pauses:
        now = max(now + pause, gcra.may_take_at())
        gcra.take(now)
        taken.append(now)

    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - start) / interval + 1e-6


@given(pauses, st.integers(1, 5))
def test_nobody_waits_where_the_law_would_hold_without(pauses: list[float], burst: int) -> None:
    gcra = Gcra(1.0, burst)
    now, taken = 0.0, list[float]()
    for pause in pauses:
        now += pause
        due = gcra.may_take_at()
        if due > now:
            assert any(len(taken) - i + 1 >= burst + due - start - 1e-6 for i, start in enumerate(taken))
            now = due
        gcra.take(now)
        taken.append(now)


def test_after_a_rest_the_burst_is_there_at_once() -> None:
    gcra = Gcra(1.0, 3)
    assert gcra.may_take_at() == -math.inf

    for _ in range(3):
        assert gcra.may_take_at() <= 100.0
        gcra.take(100.0)
    assert gcra.may_take_at() == 101.0
