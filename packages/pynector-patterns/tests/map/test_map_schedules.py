"""Results stay in order and calls within bounds, in any order of the tasks, wherever one is cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import concurrent_map, parallel_requests
from pynector.concurrency.task import TaskGroup, create_task_group
from pynector.concurrency.task.lowlevel import start_budget
from pynector.concurrency.testing import cancel_everywhere, explore, invariant

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])

Scenario = Callable[[], Coroutine[Any, Any, None]]


class Work:
    """A call that counts itself, and takes a few steps."""

    def __init__(self, limit: int) -> None:
        self.running = 0
        self.begun: list[int] = []
        invariant(lambda: self.running <= limit)

    async def __call__(self, number: int) -> int:
        self.running += 1
        self.begun.append(number)
        try:
            for _ in range(3 - number % 3):
                await checkpoint()
            return number
        finally:
            self.running -= 1


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        if number % 2:
            await checkpoint()
        yield number


async def apart(func: Scenario) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


async def a_list() -> None:
    work = Work(3)

    async def use() -> None:
        try:
            assert await parallel_requests(range(7), work, 3) == list(range(7))
        except anyio.BrokenResourceError:
            pass  # a worker was cancelled natively before it began
        finally:
            assert work.running == 0
            assert work.begun == list(range(len(work.begun)))

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def a_list_of_an_asynchronous_input() -> None:
    work = Work(3)

    async def use() -> None:
        try:
            assert await parallel_requests(numbers(7), work, 3) == list(range(7))
        except anyio.BrokenResourceError:
            pass
        finally:
            assert work.running == 0

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def a_stream() -> None:
    work = Work(3)

    async def use() -> None:
        got: list[int] = []
        try:
            async with concurrent_map(work, range(9), max_concurrency=3, window=4) as results:
                async for result in results:
                    assert len(work.begun) - len(got) <= 4
                    got.append(result)
                    await checkpoint()
            assert got == list(range(9))
        except anyio.BrokenResourceError:
            pass
        finally:
            assert work.running == 0
            assert got == list(range(len(got)))

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def an_unordered_stream_for_two() -> None:
    work = Work(2)
    got: list[int] = []

    async def use() -> None:
        try:
            async with concurrent_map(work, numbers(6), max_concurrency=2, ordered=False) as results:

                async def consume() -> None:
                    try:
                        async for result in results:
                            got.append(result)
                            await checkpoint()
                    except anyio.BrokenResourceError:
                        return
                    assert sorted(got) == list(range(6))  # the end comes after the last result

                async with create_task_group() as tg:
                    tg.start_soon(apart, consume)
                    tg.start_soon(apart, consume)
        except anyio.BrokenResourceError:
            pass
        finally:
            assert work.running == 0
            assert len(set(got)) == len(got)

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def a_stream_that_is_left_early() -> None:
    work = Work(3)
    closed = False

    async def endless() -> AsyncIterator[int]:
        nonlocal closed
        number = 0
        try:
            while True:
                yield number
                number += 1
                await checkpoint()
        finally:
            closed = True

    async def use() -> None:
        begun = False
        try:
            async with concurrent_map(work, endless(), max_concurrency=3) as results:
                begun = True
                assert [await anext(results) for _ in range(3)] == [0, 1, 2]
        except anyio.BrokenResourceError:
            pass
        finally:
            assert work.running == 0
            assert closed or not begun or not work.begun

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def a_stream_that_is_left_by_one_while_others_want_more() -> None:
    async def answer_or_wait(number: int) -> int:
        await (checkpoint() if number < 3 else anyio.sleep_forever())
        return number

    results = concurrent_map(answer_or_wait, range(9), max_concurrency=2)

    async def want_more() -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for result in results:
                got.append(result)

    async def leave_early(tg: TaskGroup) -> None:
        async with results:
            got.append(await anext(results))
            start_budget(2)  # one of those who want more passes a checkpoint
            for _ in range(2):
                tg.start_soon(apart, want_more)
            await checkpoint()

    got: list[int] = []
    async with create_task_group() as tg:
        with suppress(anyio.BrokenResourceError):  # a worker is cancelled
            await leave_early(tg)
        tg.cancel_scope.deadline = anyio.current_time() + 1
    assert anyio.current_time() < tg.cancel_scope.deadline, "they wait for ever"
    assert sorted(got) == list(range(len(got)))


async def a_stream_with_an_error() -> None:
    work = Work(3)
    failure = ValueError("three")

    async def fail(number: int) -> int:
        if number == 3:
            await checkpoint()
            raise failure
        return await work(number)

    async def use() -> None:
        got: list[int] = []
        try:
            async with concurrent_map(fail, range(9), max_concurrency=3) as results:
                async for result in results:
                    got.append(result)
        finally:
            assert work.running == 0
            assert got == list(range(len(got)))
            assert len(got) <= 3

    try:
        async with create_task_group() as tg:
            tg.start_soon(apart, use)
    except (ValueError, anyio.BrokenResourceError) as caught:
        assert caught is failure or isinstance(caught, anyio.BrokenResourceError)  # noqa: PT017


scenarios = pytest.mark.parametrize(
    "scenario",
    [
        a_list,
        a_list_of_an_asynchronous_input,
        a_stream,
        an_unordered_stream_for_two,
        a_stream_that_is_left_early,
        a_stream_that_is_left_by_one_while_others_want_more,
        a_stream_with_an_error,
    ],
)


@scenarios
@backends
def test_promises_hold_in_any_order(scenario: Scenario, backend: str) -> None:
    explore(scenario, schedules=100, backend=backend).check()


@scenarios
@backends
def test_promises_hold_wherever_a_task_is_cancelled(scenario: Scenario, backend: str) -> None:
    cancel_everywhere(scenario, victims=is_victim, backend=backend).check()
