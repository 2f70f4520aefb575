"""That a fault reaches its victim, whoever has started it; and that nothing else is taken for the fault."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus

from pynector.concurrency.task import TaskGroup
from pynector.concurrency.task import TaskStatus as OurTaskStatus
from pynector.concurrency.testing import FaultKind, cancel_everywhere, replay

BACKENDS = ["asyncio", "trio"]
ALL_KINDS: list[FaultKind] = ["scope", "native", "twice", "again", "both", "interrupt"]
Factory = Callable[..., asyncio.Task[Any]]


def plain(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    """A task factory that does what is done without it."""
    return asyncio.Task(coro, loop=loop, **options)


def factories() -> list[Factory]:
    return [plain] if sys.version_info < (3, 12) else [plain, asyncio.eager_task_factory]


async def starts_in_anyio(seen: list[str]) -> None:
    async def child(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        await waits(seen)

    async with anyio.create_task_group() as tg:
        await tg.start(child)


async def starts_in_ours(seen: list[str]) -> None:
    async def child(*, task_status: OurTaskStatus[None]) -> None:
        task_status.started()
        await waits(seen)

    async with TaskGroup() as tg:
        await tg.start(child)


async def waits(seen: list[str]) -> None:
    try:
        await anyio.sleep(1)
        seen.append("woken")
    except BaseException:
        seen.append("cancelled")
        raise


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scenario", [starts_in_anyio, starts_in_ours])
def test_a_child_that_was_started_and_waited_for_is_a_clean_victim(
    scenario: Callable[[list[str]], Coroutine[Any, Any, None]], backend: str
) -> None:
    seen: list[str] = []

    cancel_everywhere(partial(scenario, seen), faults=["scope"], orders=5, backend=backend).check()

    assert "cancelled" in seen


@pytest.mark.parametrize("scenario", [starts_in_anyio, starts_in_ours])
def test_a_strike_after_started_reaches_the_child(
    scenario: Callable[[list[str]], Coroutine[Any, Any, None]],
) -> None:
    seen: list[str] = []

    replay(partial(scenario, seen), "asyncio/fifo/scope-1@2")

    assert seen == ["cancelled"]


def test_who_waits_for_a_child_is_struck_alone() -> None:
    async def scenario() -> None:
        seen: list[str] = []
        async with anyio.create_task_group() as tg:
            child = tg.start_soon(waits, seen)
            await asyncio.wait([asyncio.create_task(child.wait())])
        assert seen == ["woken"]

    cancel_everywhere(scenario, faults=["scope"], victims=lambda name: name == "wait").check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_child_that_swallows_its_cancellation_is_told_however_it_was_started(backend: str) -> None:
    async def scenario() -> None:
        async def child(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
            task_status.started()
            with suppress(BaseException):
                await anyio.sleep(1)

        async with anyio.create_task_group() as tg:
            await tg.start(child)
            tg.start_soon(child)

    kinds: list[FaultKind] = ["scope", "both"] if backend == "asyncio" else ["scope"]
    for kind in kinds:
        failures = cancel_everywhere(scenario, faults=[kind], backend=backend).failures
        assert [failure.kind for failure in failures] == ["swallowed cancellation"]
        assert failures[0].count > 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancellation_that_is_not_the_fault_s_may_be_caught(backend: str) -> None:
    async def scenario() -> None:
        async def has_a_shielded_limit() -> None:
            with anyio.move_on_after(1, shield=True):
                await anyio.sleep(5)

        async def cancels_its_own_scope() -> None:
            with anyio.CancelScope(shield=True) as own:
                await anyio.sleep(1)
                own.cancel()
                await anyio.sleep(1)

        async with anyio.create_task_group() as tg:
            tg.start_soon(has_a_shielded_limit)
            tg.start_soon(cancels_its_own_scope)

    cancel_everywhere(scenario, faults=["scope"], orders=3, backend=backend).check()


def loses_a_permit(factory: Factory | None) -> Callable[[], Coroutine[Any, Any, None]]:
    async def scenario() -> None:
        async def user() -> None:
            nonlocal lent
            lent += 1
            await asyncio.sleep(1)
            lent -= 1

        asyncio.get_running_loop().set_task_factory(factory)
        lent = 0
        await asyncio.wait([asyncio.create_task(user()) for _ in range(2)])
        if lent:
            raise LookupError("lost")

    return scenario


@pytest.mark.parametrize("factory", [None, *factories()])
@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind != "interrupt"])
def test_a_fault_strikes_what_a_task_factory_makes(kind: FaultKind, factory: Factory | None) -> None:
    report = cancel_everywhere(loses_a_permit(factory), faults=[kind])

    assert [failure.text for failure in report.failures] == ["LookupError: lost"]


@pytest.mark.parametrize("factory", [None, *factories()])
def test_an_interrupt_is_one_in_what_a_task_factory_makes(factory: Factory | None) -> None:
    async def scenario() -> None:
        async def user() -> None:
            try:
                await asyncio.sleep(1)
            except BaseException as error:
                seen.add(type(error))
                raise

        asyncio.get_running_loop().set_task_factory(factory)
        await asyncio.wait([asyncio.create_task(user())])

    seen: set[type[BaseException]] = set()
    cancel_everywhere(scenario, faults=["interrupt"]).check()

    assert seen == {KeyboardInterrupt}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_children_of_anyio_are_victims_where_tasks_are_eager() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with anyio.create_task_group() as tg:
            tg.start_soon(anyio.sleep, 1)

    report = cancel_everywhere(scenario)

    report.check()
    assert all(times > 2 for times in report.fired.values())


async def names_its_tasks() -> None:
    async def work() -> None:
        await asyncio.sleep(1)

    one = asyncio.create_task(work(), name="db.1")
    other = asyncio.create_task(work(), name="worker")
    assert (one.get_name(), other.get_name()) == ("db.1", "worker")
    await asyncio.wait([one, other])


@pytest.mark.parametrize("eager", [False, True] if sys.version_info >= (3, 12) else [False])
@pytest.mark.parametrize("name", ["db.1", "worker"])
def test_a_task_has_the_name_that_it_was_given(name: str, eager: bool) -> None:
    report = cancel_everywhere(names_its_tasks, eager=eager, victims=lambda known: known == name)

    report.check()
    assert all(times >= 2 for times in report.fired.values())


def test_a_task_of_a_factory_has_the_name_that_it_was_given() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_task_factory(lambda loop, coro, **_: asyncio.Task(coro, loop=loop))
        await names_its_tasks()

    cancel_everywhere(scenario, victims=lambda name: name == "worker").check()
