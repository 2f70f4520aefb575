"""What `concurrent_map` promises of order, windows, errors and leaving early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import count

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import concurrent_map
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Source = Callable[[Iterable[int]], Iterable[int]]  # or asynchronous


async def asynchronous(items: Iterable[int]) -> AsyncIterator[int]:
    for item in items:
        await checkpoint()
        yield item


@pytest.fixture(params=[iter, asynchronous], ids=["iterator", "async"])
def source(request: pytest.FixtureRequest) -> Source:
    return request.param


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def restless(number: int) -> int:
    for _ in range(7 - number % 7):
        await checkpoint()
    return number


async def test_results_come_in_the_order_of_the_items(source: Source) -> None:
    async with concurrent_map(restless, source(range(50)), max_concurrency=7) as results:
        assert [result async for result in results] == list(range(50))


async def test_unordered_results_come_as_they_complete(source: Source) -> None:
    gates = [anyio.Event() for _ in range(3)]

    async def wait(number: int) -> int:
        await gates[number].wait()
        return number

    async with concurrent_map(wait, source(range(3)), max_concurrency=3, ordered=False) as results:
        for number in 2, 0, 1:
            gates[number].set()
            assert await anext(results) == number
        with pytest.raises(StopAsyncIteration):
            await anext(results)


async def test_unordered_results_are_all_there(source: Source) -> None:
    async with concurrent_map(restless, source(range(50)), max_concurrency=7, ordered=False) as results:
        assert sorted([result async for result in results]) == list(range(50))


async def test_nothing_in_gives_nothing_out(source: Source) -> None:
    async with concurrent_map(double, source([]), max_concurrency=3) as results:
        assert [result async for result in results] == []


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_never_more_calls_at_a_time_than_allowed(source: Source, limit: int) -> None:
    running = peak = 0

    async def work(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(60):  # longer than the input takes to give the next ten
            await checkpoint()
        running -= 1

    async with concurrent_map(work, source(range(40)), max_concurrency=limit) as results:
        async for _ in results:
            pass

    assert peak == limit


@pytest.mark.parametrize(("window", "ahead"), [(None, 6), (3, 3), (20, 20)])
async def test_input_is_read_no_further_ahead_than_the_window(
    source: Source, window: int | None, ahead: int
) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    async with concurrent_map(double, source(numbers()), max_concurrency=3, window=window) as results:
        for given in range(4):
            await wait_until_blocked()
            assert len(taken) == given + ahead
            assert await anext(results) == 2 * given


async def test_slow_item_holds_up_the_window_when_ordered(source: Source) -> None:
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            await anyio.sleep_forever()

    async with concurrent_map(work, source(range(100)), max_concurrency=3, window=10):
        await wait_until_blocked()
        assert begun == list(range(10))


async def test_leaving_early_cancels_the_rest_and_closes_the_input() -> None:
    log: list[str] = []

    def plain() -> Iterator[int]:
        try:
            yield from count()
        finally:
            log.append("input closed")

    async def asynchronous() -> AsyncIterator[int]:
        try:
            for number in count():
                yield number
        finally:
            await checkpoint()
            log.append("input closed")

    async def work(number: int) -> int:
        if number == 2:
            try:
                await anyio.sleep_forever()
            finally:
                log.append("item cancelled")
        return number

    for items in plain(), asynchronous():
        async with concurrent_map(work, items, max_concurrency=3) as results:
            assert [await anext(results), await anext(results)] == [0, 1]
            await wait_until_blocked()

        assert sorted(log) == ["input closed", "item cancelled"]
        log.clear()


async def test_first_error_cancels_the_rest_and_is_raised_by_the_iteration(source: Source) -> None:
    ended: list[int] = []
    failure = ValueError("three")

    async def work(number: int) -> None:
        await checkpoint()
        if number == 3:
            raise failure
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(number)

    async with concurrent_map(work, source(range(100)), max_concurrency=5) as results:
        with pytest.raises(ValueError, match="three") as caught:
            await anext(results)
        with pytest.raises(ValueError, match="three"):
            await anext(results)
        await wait_until_blocked()
        assert {0, 1, 2} <= set(ended)

    assert caught.value is failure


async def test_error_that_the_iteration_did_not_raise_is_raised_by_the_block(source: Source) -> None:
    async def work(_: int) -> None:
        raise ValueError("unseen")

    finished = False
    with pytest.raises(ValueError, match="unseen"):
        async with concurrent_map(work, source([1]), max_concurrency=1):
            await wait_until_blocked()
            finished = True

    assert finished  # an error does not cancel the consumer


@pytest.mark.parametrize("work", [anyio.sleep, double])
async def test_a_cancellation_that_the_block_did_not_meet_is_met_where_it_ends(
    work: Callable[[int], Awaitable[object]], source: Source
) -> None:
    ended = False
    with anyio.CancelScope() as scope:
        async with concurrent_map(work, source([10, 10]), max_concurrency=2):
            with anyio.CancelScope(shield=True):
                await wait_until_blocked()
                scope.cancel()
                await anyio.sleep(0.01)
                ended = True

    assert ended


async def test_exception_that_leaves_the_block_tells_of_a_failed_item() -> None:
    async def work(_: int) -> None:
        raise ValueError("unseen")

    with pytest.raises(KeyError) as caught:
        async with concurrent_map(work, [1], max_concurrency=1):
            await wait_until_blocked()
            raise KeyError

    assert caught.value.__notes__ == ["an item of concurrent_map failed, too: ValueError: unseen"]


async def test_error_of_the_input_is_raised_as_it_is(source: Source) -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("input")

    async with concurrent_map(double, source(failing()), max_concurrency=1) as results:
        with pytest.raises(KeyError, match="input"):
            await anext(results)
            await anext(results)


@pytest.mark.virtual_time
async def test_when_cancelled_all_calls_have_ended_when_the_block_has(source: Source) -> None:
    running = 0

    async def work(_: int) -> None:
        nonlocal running
        running += 1
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
            running -= 1

    with anyio.move_on_after(0.01) as scope:
        async with concurrent_map(work, source(range(100)), max_concurrency=5) as results:
            await anext(results)

    assert scope.cancelled_caught
    assert running == 0


async def test_cancelled_wait_for_a_result_loses_none(source: Source) -> None:
    gate = anyio.Event()

    async def work(number: int) -> int:
        await gate.wait()
        return number

    async with concurrent_map(work, source(range(3)), max_concurrency=3) as results:
        with anyio.move_on_after(0):
            await anext(results)
        gate.set()
        assert [result async for result in results] == [0, 1, 2]


async def test_several_consumers_share_the_results(source: Source) -> None:
    got: list[int] = []

    async def consume() -> None:
        async for result in results:
            got.append(result)
            await checkpoint()

    async with concurrent_map(restless, source(range(50)), max_concurrency=4) as results:
        async with anyio.create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(consume)

    assert sorted(got) == list(range(50))


async def test_scope_may_be_open_inside_an_asynchronous_input() -> None:
    async def numbers() -> AsyncIterator[int]:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tg:
                tg.start_soon(checkpoint)
                for number in count():
                    await checkpoint()
                    yield number

    async with concurrent_map(double, numbers(), max_concurrency=3) as results:
        assert [await anext(results) for _ in range(10)] == [2 * number for number in range(10)]


@pytest.mark.virtual_time
async def test_scope_inside_an_asynchronous_input_is_cancelled_while_that_is_not_advanced() -> None:
    async def numbers() -> AsyncIterator[int]:
        with anyio.fail_after(0.01):
            for number in count():
                yield number

    async with concurrent_map(double, numbers(), max_concurrency=1) as results:
        await anext(results)
        await anyio.sleep(0.02)
        with pytest.raises(TimeoutError):
            for _ in range(5):
                await anext(results)


@pytest.mark.virtual_time
async def test_asynchronous_input_goes_on_after_a_scope_inside_it_was_cancelled() -> None:
    async def numbers() -> AsyncIterator[int]:
        with anyio.move_on_after(0.01):
            for number in count():
                yield number
        yield -1

    async with concurrent_map(double, numbers(), max_concurrency=1, window=2) as results:
        await anext(results)
        await anyio.sleep(0.02)
        assert [result async for result in results][-1] == -2


@pytest.mark.virtual_time
async def test_asynchronous_input_cleans_up_undisturbed() -> None:
    log: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in count():
                yield number
        finally:
            await anyio.sleep(0.01)
            log.append("clean")

    with anyio.move_on_after(0.01):
        async with concurrent_map(double, numbers(), max_concurrency=1) as results:
            await anext(results)
            await anyio.sleep_forever()

    assert log == ["clean"]


async def test_no_call_sees_a_context_variable_that_another_has_set(source: Source) -> None:
    variable: ContextVar[object] = ContextVar("variable")
    variable.set(mine := [1])

    async def work(number: int) -> bool:
        before = variable.get()
        variable.set([1])  # equal, and yet another
        if number % 3:
            await checkpoint()
        return before is mine

    async with concurrent_map(work, source(range(50)), max_concurrency=3) as results:
        assert all([result async for result in results])


async def test_a_call_that_ends_in_a_cancellation_of_its_own_is_an_error(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio's tasks can be cancelled one by one")

    async def work(_: int) -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task

    finished = False
    async with concurrent_map(work, range(3), max_concurrency=1) as results:
        with pytest.raises(asyncio.CancelledError):
            await anext(results)
        finished = True

    assert finished


async def test_calls_that_never_wait_let_others_run(anyio_backend_name: str) -> None:
    done = longest = 0

    async def other() -> None:
        nonlocal longest
        seen = 0
        while done < 1000:
            longest = max(longest, done - seen)
            seen = done
            await checkpoint()

    async def work(_: int) -> None:
        nonlocal done
        done += 1

    async with anyio.create_task_group() as tg:
        tg.start_soon(other)
        async with concurrent_map(work, range(1000), max_concurrency=1, window=1000) as results:
            async for _ in results:
                pass

    # Trio runs the tasks of one turn in any order: ours may be last in one and first in the next.
    assert 0 < longest <= (128 if anyio_backend_name == "trio" else 64)


async def test_iterating_before_and_after_the_block_says_so() -> None:
    results = concurrent_map(double, [1], max_concurrency=1)

    with pytest.raises(RuntimeError, match=r"^concurrent_map is not entered; use it with 'async with'"):
        await anext(results)
    async with results:
        with pytest.raises(RuntimeError, match=r"^concurrent_map is entered; it is entered once$"):
            await results.__aenter__()
    with pytest.raises(anyio.ClosedResourceError, match=r"^concurrent_map is left; iterate inside"):
        await anext(results)
    with pytest.raises(RuntimeError, match=r"^concurrent_map is left; it is entered once$"):
        await results.__aenter__()


async def test_of_two_tasks_that_enter_it_at_once_one_is_told() -> None:
    results = concurrent_map(double, [1, 2], max_concurrency=1)
    got, refused = list[int](), list[str]()

    async def use() -> None:
        try:
            async with results:
                got.extend([result async for result in results])
        except RuntimeError as error:
            refused.append(str(error))

    async with create_task_group() as tg:
        tg.start_soon(use)
        tg.start_soon(use)

    assert got == [2, 4]
    assert refused == ["concurrent_map is entered; it is entered once"]


async def test_an_error_keeps_its_context() -> None:
    async def fail(item: int) -> None:
        try:
            raise KeyError(item)
        except KeyError:
            raise ValueError(item)  # noqa: B904

    with pytest.raises(ValueError, match="1") as caught:
        async with concurrent_map(fail, [1], max_concurrency=1) as results:
            async for _ in results:
                pass

    assert isinstance(caught.value.__context__, KeyError)
    assert not caught.value.__suppress_context__
