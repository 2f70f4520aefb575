"""What `parallel_requests` promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import parallel_requests
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Source = Callable[[Iterable[object]], object]


async def asynchronous(items: Iterable[object]) -> AsyncIterator[object]:
    for item in items:
        await checkpoint()
        yield item


@pytest.fixture(params=[iter, asynchronous], ids=["iterator", "async"])
def source(request: pytest.FixtureRequest) -> Source:
    return request.param


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def test_results_come_in_the_order_of_the_input(source: Source) -> None:
    async def fetch(number: int) -> int:
        for _ in range(7 - number % 7):
            await checkpoint()
        return number

    assert await parallel_requests(source(range(50)), fetch, max_concurrency=7) == list(range(50))


async def test_nothing_in_gives_nothing_out(source: Source) -> None:
    assert await parallel_requests(source([]), double) == []


async def test_any_object_is_an_item(source: Source) -> None:
    async def fetch(item: object) -> object:
        return item

    items = [None, StopIteration(), ..., ()]
    assert await parallel_requests(source(items), fetch) == items


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_never_more_calls_at_a_time_than_allowed(source: Source, limit: int) -> None:
    running = peak = 0

    async def fetch(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(30):  # longer than the input takes to give the next ten
            await checkpoint()
        running -= 1

    await parallel_requests(source(range(40)), fetch, max_concurrency=limit)

    assert peak == limit


async def test_input_is_read_an_item_when_there_is_a_task_to_take_it(source: Source) -> None:
    taken = 0
    gate = anyio.Event()

    def count() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    async def fetch(_: int) -> None:
        await gate.wait()

    async with anyio.create_task_group() as tg:
        tg.start_soon(parallel_requests, source(count()), fetch, 5)
        await wait_until_blocked()
        assert taken == 5
        tg.cancel_scope.cancel()


async def test_first_error_cancels_the_rest_and_is_raised_as_it_is(source: Source) -> None:
    begun: list[int] = []
    ended: list[int] = []
    failure = ValueError("three")

    async def fetch(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise failure
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match="three") as caught:
        await parallel_requests(source(range(1000)), fetch, max_concurrency=5)

    assert caught.value is failure
    assert sorted([*ended, 3]) == sorted(begun)


async def test_errors_in_one_moment_leave_one(source: Source) -> None:
    gate = anyio.Event()

    async def fetch(number: int) -> None:
        if number == 4:
            gate.set()
        await gate.wait()
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^\d") as caught:
        await parallel_requests(source(range(5)), fetch, max_concurrency=5)

    notes = getattr(caught.value, "__notes__", [])
    assert len(notes) <= 4
    for note in notes:
        assert "more item" in note or note.startswith("another item failed, too: ValueError: ")


async def test_error_of_the_input_is_raised_as_it_is(source: Source) -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("input")

    async def fetch(_: int) -> None:
        await anyio.sleep_forever()

    with pytest.raises(KeyError, match="input"):
        await parallel_requests(source(failing()), fetch)


@pytest.mark.virtual_time
async def test_when_cancelled_all_calls_have_ended_when_it_returns(source: Source) -> None:
    running = 0

    async def fetch(_: int) -> None:
        nonlocal running
        running += 1
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
            running -= 1

    with anyio.move_on_after(0.01) as scope:
        await parallel_requests(source(range(100)), fetch)

    assert scope.cancelled_caught
    assert running == 0


async def test_a_cancelled_call_takes_nothing() -> None:
    items = iter(range(3))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await parallel_requests(items, double)

    assert list(items) == [0, 1, 2]


async def test_generators_are_closed_on_an_error() -> None:
    closed: list[str] = []

    def plain() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append("plain")

    async def asynchronous() -> AsyncIterator[int]:
        try:
            for number in range(100):
                yield number
        finally:
            closed.append("async")

    async def fetch(_: int) -> None:
        raise ValueError

    for items in plain(), asynchronous():
        with pytest.raises(ValueError):  # noqa: PT011
            await parallel_requests(items, fetch)

    assert closed == ["plain", "async"]


async def test_scope_may_be_open_inside_an_asynchronous_input() -> None:
    async def numbers() -> AsyncIterator[int]:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tg:
                tg.start_soon(checkpoint)
                for number in range(20):
                    await checkpoint()
                    yield number

    assert await parallel_requests(numbers(), double, 3) == [2 * number for number in range(20)]


async def test_no_call_sees_a_context_variable_that_another_has_set(source: Source) -> None:
    variable: ContextVar[object] = ContextVar("variable")
    mine = [1]
    variable.set(mine)

    async def fetch(number: int) -> bool:
        before = variable.get()
        variable.set([1])  # equal, and yet another
        if number % 3:
            await checkpoint()
        return before is mine

    assert all(await parallel_requests(source(range(200)), fetch, max_concurrency=3))
    assert variable.get() is mine


async def test_context_of_the_caller_is_seen(source: Source) -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("caller's")

    async def fetch(_: int) -> str:
        return variable.get()

    assert await parallel_requests(source(range(3)), fetch) == ["caller's"] * 3


async def test_calls_that_never_wait_let_others_run_after_64_at_the_latest(anyio_backend_name: str) -> None:
    done = others = 0
    longest = 0

    async def other() -> None:
        nonlocal others, longest
        seen = 0
        while done < 1000:
            longest = max(longest, done - seen)
            seen = done
            await checkpoint()

    async def fetch(_: int) -> None:
        nonlocal done
        done += 1

    async with anyio.create_task_group() as tg:
        tg.start_soon(other)
        await parallel_requests(range(1000), fetch, max_concurrency=1)

    # Trio runs the tasks of one turn in any order: ours may be last in one and first in the next.
    assert 0 < longest <= (128 if anyio_backend_name == "trio" else 64)


async def test_any_awaitable_will_do() -> None:
    class Answer:
        def __init__(self, number: int) -> None:
            self.number = number

        def __await__(self) -> Iterator[object]:
            yield from checkpoint().__await__()
            return self.number

    assert await parallel_requests(range(5), Answer, 2) == list(range(5))


async def test_iterating_by_index_will_do() -> None:
    class Rows:
        def __getitem__(self, index: int) -> int:
            if index > 3:
                raise IndexError
            return index

    assert await parallel_requests(Rows(), double) == [0, 2, 4, 6]  # type: ignore[arg-type]


async def test_a_call_that_ends_in_a_cancellation_of_its_own_is_an_error(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio's tasks can be cancelled one by one")

    async def fetch(_: int) -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        await parallel_requests(range(3), fetch)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: parallel_requests(5, double),
            TypeError,
            "urls must be an iterable or an async iterable, not 5",
        ),
        (lambda: parallel_requests([], 5), TypeError, "fetch must be callable, not 5"),
        (lambda: parallel_requests([], double, 0), ValueError, "max_concurrency must be >= 1, not 0"),
        (lambda: parallel_requests([], double, 1.5), TypeError, "max_concurrency must be an int, not 1.5"),
    ],
)
async def test_wrong_use_says_what_is_wrong(
    call: Callable[[], Awaitable[object]], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=f"^{words}$"):
        await call()


@pytest.mark.parametrize("asynchronous", [False, True], ids=["list", "async iterable"])
async def test_a_plain_function_is_named(asynchronous: bool) -> None:
    async def items() -> AsyncIterator[int]:
        yield 1

    def plain(item: int) -> int:
        return item

    with pytest.raises(
        TypeError, match=r"must be an async function: .*plain\(\) gave 1, which cannot be awaited"
    ):
        await parallel_requests(items() if asynchronous else [1], plain, max_concurrency=2)  # type: ignore[arg-type]
