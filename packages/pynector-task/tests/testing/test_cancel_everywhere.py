"""What `cancel_everywhere()` promises: planted faults are found, their correct versions stay clean."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere


class Permits:
    """A semaphore that hands over; each fault is one that has been seen in the wild."""

    def __init__(self, value: int, fault: str = "") -> None:
        self.value = value
        self.fault = fault
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        if self.value and not self.waiting:
            self.value -= 1
            return
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future in self.waiting:
                self.waiting.remove(future)
            elif self.fault != "permit lost after the hand-over" and not future.cancelled():
                self.release()
            if self.fault == "cancellation swallowed":
                return
            raise

    def release(self) -> None:
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self.value += 1


async def uses_permits(fault: str = "") -> None:
    permits = Permits(1, fault)

    async def user() -> None:
        await permits.acquire()
        try:
            await checkpoint()
        finally:
            if fault == "unshielded await in release":
                await checkpoint()
            permits.release()

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(user)
    with anyio.fail_after(1):
        await permits.acquire()
    permits.release()
    assert permits.value == 1


async def keeps_working(fault: str = "") -> None:
    """Workers that report an item's error and go on with the next one."""

    async def work() -> None:
        for _ in range(2):
            try:
                await checkpoint()
            except Exception:
                raise
            except BaseException:
                if fault != "cancellation caught with the errors":
                    raise

    async with anyio.create_task_group() as tg:
        tg.start_soon(work)
        tg.start_soon(work)


async def has_no_tasks() -> None:
    await checkpoint()


def test_the_correct_version_is_clean() -> None:
    report = cancel_everywhere(uses_permits, orders=4)

    report.check()
    assert report.fired["scope"] > 50
    assert report.fired["native"] > 50


def test_every_kind_of_fault_is_injected() -> None:
    kinds = ("scope", "native", "twice", "again", "both", "interrupt")

    report = cancel_everywhere(uses_permits, faults=kinds)

    report.check()
    assert set(report.fired) == set(kinds)
    assert all(times > 10 for times in report.fired.values())


@pytest.mark.parametrize(
    ("scenario", "fault"),
    [
        (uses_permits, "permit lost after the hand-over"),
        (uses_permits, "unshielded await in release"),
        (uses_permits, "cancellation swallowed"),
        (keeps_working, "cancellation caught with the errors"),
    ],
)
def test_a_planted_fault_is_found(scenario: Callable[[str], Coroutine[Any, Any, None]], fault: str) -> None:
    assert cancel_everywhere(partial(scenario, "")).ok

    report = cancel_everywhere(partial(scenario, fault))

    assert report.failures
    assert report.schedules <= 1000


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks_are_cancelled_too() -> None:
    cancel_everywhere(uses_permits, eager=True).check()
    assert not cancel_everywhere(partial(uses_permits, "unshielded await in release"), eager=True).ok


def test_a_generator_that_is_left_open_is_closed() -> None:
    async def scenario() -> None:
        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                closed.append(True)

        generator = numbers()
        async with anyio.create_task_group() as tg:
            tg.start_soon(anext, generator)
            tg.start_soon(checkpoint)
        kept.append(generator)

    closed: list[bool] = []
    kept: list[AsyncIterator[int]] = []
    report = cancel_everywhere(scenario)

    report.check()
    assert len(closed) >= report.schedules / 2


def test_the_errors_in_a_group_are_named() -> None:
    async def scenario() -> None:
        async def fail(error: Exception) -> None:
            raise error

        async with anyio.create_task_group() as tg:
            tg.start_soon(fail, LookupError("first"))
            tg.start_soon(fail, ValueError("second"))

    (failure,) = cancel_everywhere(scenario).failures

    assert failure.text == "LookupError: first, ValueError: second"


def test_that_nothing_was_cancelled_is_a_failure() -> None:
    report = cancel_everywhere(has_no_tasks)

    assert not report.ok
    with pytest.raises(AssertionError, match="never injected"):
        report.check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_scenario_itself_can_be_the_victim(backend: str) -> None:
    async def sleeps() -> None:
        await anyio.sleep(1)

    async def swallows() -> None:
        with contextlib.suppress(BaseException):
            await anyio.sleep(1)

    cancel_everywhere(sleeps, root=True, backend=backend).check()
    (failure,) = cancel_everywhere(swallows, root=True, backend=backend).failures

    assert failure.text == "swallows#0 ended as if it were not cancelled"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_victim_that_swallows_every_cancellation_is_told(backend: str) -> None:
    async def scenario() -> None:
        stop = False

        async def stubborn() -> None:
            while not stop:
                with contextlib.suppress(BaseException), anyio.CancelScope():
                    await anyio.sleep(1)

        async with anyio.create_task_group() as tg:
            tg.start_soon(stubborn)
            await anyio.sleep(3)
            stop = True

    report = cancel_everywhere(scenario, faults=["scope"], backend=backend, max_steps=500)

    assert {failure.kind for failure in report.failures} == {"livelock", "swallowed cancellation"}


def test_victims_are_chosen_by_name() -> None:
    assert cancel_everywhere(uses_permits, victims=lambda name: name == "nobody").fired == {
        "scope": 0,
        "native": 0,
    }
    assert cancel_everywhere(uses_permits, victims=lambda name: name == "user").ok


def test_a_fault_that_the_backend_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="trio knows no native cancellation"):
        cancel_everywhere(has_no_tasks, backend="trio", faults=["native"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("faults", [["scopes"], ["scope", "natve"], "scope", []])
def test_a_fault_that_does_not_exist_is_refused(faults: Any, backend: str) -> None:
    with pytest.raises(
        ValueError, match=r"faults must be .*scope, native, twice, again, both, interrupt, not"
    ):
        cancel_everywhere(uses_permits, backend=backend, faults=faults)


@pytest.mark.parametrize("option", ["orders", "max_steps", "max_failures", "processes"])
def test_less_than_one_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be >= 1, not 0"):
        cancel_everywhere(uses_permits, **{option: 0})  # type: ignore[arg-type]
