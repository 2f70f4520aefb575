"""Tasks that no task of the scenario has started: trio's system tasks, and the backend's own clean-up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere, explore

BACKENDS = ["asyncio", "trio"]


async def has_a_keeper() -> None:
    async def keeper() -> None:
        await trio.sleep(1)

    trio.lowlevel.spawn_system_task(keeper)
    await trio.sleep(2)


async def leaves_a_generator() -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await anyio.sleep(1)

    async def user() -> None:
        async for _ in numbers():
            break

    async with anyio.create_task_group() as tg:
        tg.start_soon(user)
        tg.start_soon(checkpoint)
    await anyio.sleep(2)


def test_a_system_task_can_be_cancelled_but_not_interrupted() -> None:
    report = cancel_everywhere(has_a_keeper, backend="trio", faults=["scope", "interrupt"])

    assert not report.failures
    assert report.fired == {"scope": 2, "interrupt": 0}
    assert "interrupt: never injected" in str(report)


def test_a_child_of_a_system_task_is_not_interrupted_either() -> None:
    async def has_a_keeper_with_a_child() -> None:
        async def keeper() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep, 1)

        trio.lowlevel.spawn_system_task(keeper)
        await trio.sleep(2)

    report = cancel_everywhere(has_a_keeper_with_a_child, backend="trio", faults=["scope", "interrupt"])

    assert not report.failures
    assert report.fired["scope"] > 2
    assert report.fired["interrupt"] == 0


def test_that_no_victim_can_be_struck_in_that_way_is_said() -> None:
    report = cancel_everywhere(has_a_keeper, backend="trio", faults=["interrupt"])

    assert "interrupt: never injected, since nothing of that kind can be injected into keeper" in str(report)


def test_an_error_of_a_system_task_is_told() -> None:
    async def scenario() -> None:
        async def keeper() -> None:
            await trio.sleep(1)
            raise LookupError("lost")

        trio.lowlevel.spawn_system_task(keeper)
        await trio.sleep(2)

    (failure,) = explore(scenario, backend="trio", schedules=5).failures

    assert failure.kind == "unhandled error"
    assert failure.text == "keeper#1 of trio ended with LookupError: lost"
    assert failure.raised[0].startswith("test_system_tasks.py:")


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("backend", BACKENDS)
def test_who_closes_a_generator_that_was_left_is_no_victim(backend: str) -> None:
    cancel_everywhere(leaves_a_generator, backend=backend, orders=3).check()
    report = cancel_everywhere(leaves_a_generator, backend=backend, victims=lambda name: "numbers" in name)

    assert not any(report.fired.values())
    assert "victims chose none of the tasks, which are named user, checkpoint;" in str(report)


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
def test_on_trio_a_generator_that_was_left_is_closed_at_the_same_step_each_time() -> None:
    first, *others = (explore(leaves_a_generator, backend="trio", schedules=20) for _ in range(6))

    first.check()
    assert {report.steps for report in others} == {first.steps}


def test_a_generator_whose_closing_outlives_the_scenario_is_named_with_its_line() -> None:
    async def scenario() -> None:
        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                await anyio.sleep(1)

        async for _ in numbers():
            break

    (failure,) = explore(scenario, schedules=3).failures

    assert failure.kind == "leaked task"
    assert failure.text == "close numbers#1 outlived the scenario"
    assert "close numbers#1 waits at test_system_tasks.py:" in failure.waiting[0]
    assert "in numbers: await anyio.sleep(1)" in failure.waiting[0]


def test_a_leaked_task_on_trio_is_told_with_its_line() -> None:
    async def scenario() -> None:
        async def keeper() -> None:
            await trio.sleep(100)

        trio.lowlevel.spawn_system_task(keeper)

    (failure,) = explore(scenario, backend="trio", schedules=3).failures

    assert failure.kind == "leaked task"
    assert "keeper#1 waits at test_system_tasks.py:" in failure.waiting[0]
    assert "in keeper: await trio.sleep(100)" in failure.waiting[0]
