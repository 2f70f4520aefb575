"""Ctrl-C: `KeyboardInterrupt` where a victim waits, as its backend brings it."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
import pytest
import trio
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint

from pynector.concurrency.testing import cancel_everywhere

BACKENDS = ["asyncio", "trio"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_correct_tree_of_tasks_is_clean(backend: str) -> None:
    async def scenario() -> None:
        async def child() -> None:
            await anyio.sleep(1)

        async def parent() -> None:
            async with anyio.create_task_group() as tg:
                tg.start_soon(child)
                tg.start_soon(child)

        async with anyio.create_task_group() as tg:
            tg.start_soon(parent)

    report = cancel_everywhere(scenario, faults=["interrupt"], backend=backend, root=True, orders=3)

    report.check()
    assert report.fired["interrupt"] > 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_that_is_swallowed_is_told(backend: str) -> None:
    async def scenario() -> None:
        async def stubborn() -> None:
            with contextlib.suppress(BaseException):
                await anyio.sleep(1)

        async with anyio.create_task_group() as tg:
            tg.start_soon(stubborn)

    (failure,) = cancel_everywhere(scenario, faults=["interrupt"], backend=backend).failures

    assert failure.kind == "swallowed cancellation"
    assert failure.text == "stubborn#1 ended as if it were not interrupted"


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_that_a_group_swallows_is_told(backend: str) -> None:
    async def scenario() -> None:
        async def stubborn() -> None:
            with contextlib.suppress(BaseException):
                async with anyio.create_task_group() as tg:
                    tg.start_soon(anyio.sleep, 1)

        async with anyio.create_task_group() as tg:
            tg.start_soon(stubborn)

    is_stubborn = "stubborn".__eq__
    (failure,) = cancel_everywhere(
        scenario, faults=["interrupt"], backend=backend, victims=is_stubborn
    ).failures

    assert failure.text == "stubborn#1 ended as if it were not interrupted"


def test_a_task_that_nobody_awaits_may_end_with_it() -> None:
    async def scenario() -> None:
        await asyncio.wait([asyncio.create_task(asyncio.sleep(1))])

    cancel_everywhere(scenario, faults=["interrupt"]).check()


def test_on_trio_the_clean_up_of_the_victim_may_wait() -> None:
    async def scenario() -> None:
        async def user() -> None:
            try:
                await trio.sleep(1)
            finally:
                await trio.sleep(1)
                cleaned_up.append(True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(user)

    cleaned_up: list[bool] = []
    interrupted_in_its_clean_up = 1
    report = cancel_everywhere(scenario, faults=["interrupt"], backend="trio", victims="user".__eq__)

    report.check()
    assert report.fired["interrupt"] > 1
    assert len(cleaned_up) == report.schedules + 1 - interrupted_in_its_clean_up


def test_on_trio_a_shield_does_not_hold_it_off() -> None:
    async def scenario() -> None:
        async def user() -> None:
            with trio.CancelScope(shield=True):
                try:
                    await trio.sleep(1)
                except KeyboardInterrupt:
                    seen.append(True)
                    raise

        async with trio.open_nursery() as nursery:
            nursery.start_soon(user)

    seen: list[bool] = []
    report = cancel_everywhere(scenario, faults=["interrupt"], backend="trio")

    report.check()
    assert len(seen) == report.fired["interrupt"] > 0


def test_on_trio_a_wait_that_cannot_be_aborted_leaves_it_to_the_next() -> None:
    async def scenario() -> None:
        async def user() -> None:
            await cancel_shielded_checkpoint()
            passed.append(True)
            await checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(user)

    passed: list[bool] = []
    report = cancel_everywhere(scenario, faults=["interrupt"], backend="trio")

    report.check()
    assert report.fired["interrupt"] > 0
    assert len(passed) == report.schedules + 1


def test_one_who_waits_for_a_child_to_start_is_not_interrupted_in_a_nursery_of_trio_s_own() -> None:
    async def scenario() -> None:
        async def child(task_status: trio.TaskStatus[None]) -> None:
            await trio.sleep(1)
            task_status.started()

        async def starter() -> None:
            async with trio.open_nursery() as nursery:
                await nursery.start(child)

        with contextlib.suppress(BaseException):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(starter)

    report = cancel_everywhere(scenario, backend="trio", faults=["interrupt"])

    report.check()
    assert report.fired["interrupt"]
