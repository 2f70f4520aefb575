"""Callbacks that belong to no task: their order, and when time may pass although some are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import ControlledLoop, Stuck, explore, run_in_virtual_time


async def counts_down(limit: float | None = 60) -> None:
    """A chain that tells in its arguments how far it is."""

    def tick(left: int) -> None:
        if left:
            loop.call_soon(tick, left - 1)
        else:
            done.set_result(None)

    loop = asyncio.get_running_loop()
    done = loop.create_future()
    tick(500)
    async with asyncio.timeout(limit):
        await done


async def empties_a_queue() -> None:
    """A chain of which no step can be told from the next."""

    def take() -> None:
        items.pop()
        if items:
            loop.call_soon(take)
        else:
            done.set_result(None)

    loop = asyncio.get_running_loop()
    done = loop.create_future()
    items = [None] * 50
    loop.call_soon(take)
    async with asyncio.timeout(60):
        await done


async def nests_shields() -> None:
    inner = outer = asyncio.get_running_loop().create_future()
    for _ in range(50):
        outer = asyncio.shield(outer)
    asyncio.get_running_loop().call_soon(inner.set_result, None)
    async with asyncio.timeout(60):
        await outer


@pytest.mark.parametrize("scenario", [counts_down, empties_a_queue, nests_shields])
def test_no_time_passes_while_a_chain_of_callbacks_makes_progress(
    scenario: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    explore(scenario, schedules=5).check()


def test_a_chain_of_callbacks_is_no_deadlock() -> None:
    async def scenario() -> None:
        await counts_down(None)

    explore(scenario, schedules=5).check()


def test_a_chain_of_callbacks_that_never_ends_is_a_livelock() -> None:
    async def scenario() -> None:
        def tick(count: int) -> None:
            loop.call_soon(tick, count + 1)

        loop = asyncio.get_running_loop()
        tick(0)
        await asyncio.sleep(1)

    (failure,) = explore(scenario, schedules=1, order="fifo", max_steps=500).failures

    assert failure.kind == "livelock"


@pytest.mark.parametrize("delay", [None, 0])
def test_time_passes_while_a_callback_polls(delay: int | None) -> None:
    async def polls() -> float:
        def poll() -> None:
            if loop.time() < 5:
                loop.call_soon(poll) if delay is None else loop.call_later(delay, poll)

        loop = asyncio.get_running_loop()
        poll()
        await asyncio.sleep(10)
        return loop.time()

    assert run_in_virtual_time(polls) == 10


def test_time_passes_while_anyio_delivers_a_cancellation() -> None:
    async def cleans_up() -> float:
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(10)
        return anyio.current_time()

    assert run_in_virtual_time(cleans_up) == 10


def test_a_method_of_a_task_keeps_its_place_among_callbacks() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.sleep(10))
        seen: list[str] = []
        await asyncio.sleep(1)
        loop.call_soon(task.set_name, "renamed")
        loop.call_soon(lambda: seen.append(task.get_name()))
        loop.call_soon(task.cancel)
        loop.call_soon(lambda: seen.append(f"cancelling {task.cancelling()}"))
        await asyncio.wait([task])
        assert seen == ["renamed", "cancelling 1"]

    explore(scenario, schedules=50).check()


def test_a_timer_that_is_due_may_fire_before_others_have_come_to_rest() -> None:
    async def scenario() -> None:
        async def write() -> None:
            for _ in range(3):
                if closed:
                    raise LookupError("written after it was closed")
                await asyncio.sleep(0)

        loop = asyncio.get_running_loop()
        closed: list[bool] = []
        task = asyncio.create_task(write())
        loop.call_later(0, closed.append, True)
        await task

    (failure,) = explore(scenario, order="dfs").failures

    assert failure.text == "LookupError: written after it was closed"


@pytest.mark.parametrize("when", [-1.0, 0.0])
def test_a_timer_that_is_due_fires_while_a_task_polls(when: float) -> None:
    async def polls() -> float:
        loop = asyncio.get_running_loop()
        fired: list[bool] = []
        loop.call_at(when, fired.append, True)
        loop.call_at(when, fired.append, False).cancel()
        while not fired:
            await checkpoint()
        await checkpoint()
        assert fired == [True]
        return loop.time()

    assert run_in_virtual_time(polls) == 0


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_wait_that_has_no_time_ends_while_others_go_on(timeout: float) -> None:
    async def scenario() -> None:
        async def spin() -> None:
            while True:
                await checkpoint()

        task = asyncio.create_task(spin())
        done, _ = await asyncio.wait({task}, timeout=timeout)
        assert not done
        task.cancel()
        await asyncio.wait({task})

    explore(scenario, schedules=50).check()


def test_a_timer_without_a_time_is_refused() -> None:
    loop = ControlledLoop()

    with pytest.raises(ValueError, match="when must be a time, not nan"):
        loop.call_at(float("nan"), print)
    with pytest.raises(ValueError, match="when must be a time, not nan"):
        loop.call_later(float("nan"), print)

    loop.close()


def test_a_task_that_is_shielded_for_ever_is_a_deadlock() -> None:
    async def hangs() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.Event().wait()

    with pytest.raises(Stuck, match="no timer is left"):
        run_in_virtual_time(hangs)
