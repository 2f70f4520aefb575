"""Victims that are cancelled again, in their clean-up."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import anyio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere


async def closes_what_was_cancelled(fault: str = "") -> None:
    """Users who close their connection when they are cancelled, which waits."""
    permits = anyio.Semaphore(1)

    async def user() -> None:
        await permits.acquire()
        try:
            await checkpoint()
        except BaseException:
            if fault == "closes, then releases":
                await checkpoint()
                permits.release()
            else:
                permits.release()
                await checkpoint()
            raise
        permits.release()

    async def group_of_its_own() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(user(), name="user")

    async with anyio.create_task_group() as tg:
        for _ in range(2):
            tg.start_soon(group_of_its_own)
    assert permits.value == 1


def test_who_waits_in_its_clean_up_is_cancelled_again_there() -> None:
    faulty = partial(closes_what_was_cancelled, "closes, then releases")
    is_user = "user".__eq__

    assert cancel_everywhere(faulty, faults=["native", "twice"], victims=is_user).ok
    assert cancel_everywhere(closes_what_was_cancelled, faults=["again"], victims=is_user).ok
    report = cancel_everywhere(faulty, faults=["again"], victims=is_user)

    assert report.failures[0].kind == "deadlock"
    first, second = report.failures[0].injected
    assert first.startswith("again injected into user#")
    assert "injected once more into user#" in second
    assert "at test_repeated_cancellation.py" in second


def test_who_does_not_wait_again_is_cancelled_once() -> None:
    async def sleeps() -> None:
        async def sleeper() -> None:
            try:
                await anyio.sleep(1)
            except asyncio.CancelledError:
                cancelled.append(asyncio.current_task().cancelling())  # type: ignore[union-attr]
                raise

        async with anyio.create_task_group() as tg:
            tg.start_soon(sleeper)

    cancelled: list[int] = []
    report = cancel_everywhere(sleeps, faults=["again"])

    report.check()
    assert report.fired["again"] > 1
    assert set(cancelled) == {1}


def test_a_cancellation_that_is_swallowed_twice_is_told() -> None:
    async def scenario() -> None:
        async def stubborn() -> None:
            for _ in range(3):
                with contextlib.suppress(asyncio.CancelledError):
                    await anyio.sleep(1)

        await asyncio.create_task(stubborn())

    (failure,) = cancel_everywhere(scenario, faults=["again"]).failures

    assert failure.kind == "swallowed cancellation"
