"""Laws of the bounded maps, for any input."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from pynector.concurrency.patterns import concurrent_map, parallel_requests
from pynector.concurrency.testing import run_in_virtual_time

pauses = st.lists(st.integers(0, 4), max_size=30)
limits = st.integers(1, 6)


class Work:
    """Takes as many steps as the item says; fails where told to."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.begun: list[int] = []
        self.running = self.peak = 0
        self._fail_at = fail_at

    async def __call__(self, item: tuple[int, int]) -> int:
        number, steps = item
        self.begun.append(number)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            for _ in range(steps):
                await checkpoint()
            if number == self._fail_at:
                raise ValueError(number)
            return number
        finally:
            self.running -= 1


async def one_by_one(items: list[tuple[int, int]]) -> AsyncIterator[tuple[int, int]]:
    for item in items:
        yield item


@given(pauses, limits, st.booleans())
def test_list_has_each_result_once_in_order_within_the_bound(
    steps: list[int], limit: int, asynchronous: bool
) -> None:
    work = Work()
    items = list(enumerate(steps))

    async def main() -> list[int]:
        return await parallel_requests(one_by_one(items) if asynchronous else items, work, limit)

    assert run_in_virtual_time(main) == list(range(len(steps)))
    assert work.begun == list(range(len(steps)))
    assert work.peak <= min(limit, len(steps))


@given(pauses, limits, st.integers(0, 6), st.booleans(), st.booleans())
def test_stream_has_each_result_once_and_is_never_further_ahead_than_the_window(
    steps: list[int], limit: int, extra: int, ordered: bool, asynchronous: bool
) -> None:
    work = Work()
    items = list(enumerate(steps))
    got: list[int] = []

    async def main() -> None:
        source = one_by_one(items) if asynchronous else items
        async with concurrent_map(
            work, source, max_concurrency=limit, window=limit + extra, ordered=ordered
        ) as results:
            async for result in results:
                got.append(result)
                assert len(work.begun) - len(got) <= limit + extra
                await anyio.sleep(0.001)

    run_in_virtual_time(main)
    assert sorted(got) == list(range(len(steps)))
    assert not ordered or got == sorted(got)
    assert work.peak <= limit


@given(pauses.filter(bool), limits, st.data())
def test_one_error_ends_it_with_nothing_running(steps: list[int], limit: int, data: st.DataObject) -> None:
    fail_at = data.draw(st.integers(0, len(steps) - 1))
    work = Work(fail_at)

    async def main() -> str:
        try:
            await parallel_requests(enumerate(steps), work, limit)
        except ValueError as error:
            return str(error)
        return "no error"

    assert run_in_virtual_time(main) == str(fail_at)
    assert work.running == 0
