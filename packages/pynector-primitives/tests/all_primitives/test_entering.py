"""Entering what is held for a block: however it is done, it is held, or it is not."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter, Condition, Lock, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

MAKERS: dict[str, Callable[[], Any]] = {
    "Lock": lambda: Lock(fast_acquire=True),
    "Semaphore": lambda: Semaphore(1, fast_acquire=True),
    "CapacityLimiter": lambda: CapacityLimiter(1, fast_acquire=True),
    "Condition": lambda: Condition(Lock(fast_acquire=True)),
}
one_place = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


async def is_free(thing: Any) -> bool:
    """Whether another task can enter at once."""

    async def enter() -> None:
        nonlocal entered
        async with thing:
            entered = True

    entered = False
    async with create_task_group() as tg:
        tg.start_soon(enter)
        await wait_until_blocked()
        tg.cancel_scope.cancel()
    return entered


class Interrupt:
    """A budget during whose call Ctrl-C comes: Python runs the signal's handler when the call returns."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bool]:
        return self

    def __next__(self) -> bool:
        signal.raise_signal(signal.SIGINT)
        return self.answer


@pytest.mark.parametrize("checkpoint_is_due", [False, True])
@one_place
async def test_interrupted_on_entering_holds_nothing(
    make: Callable[[], Any], checkpoint_is_due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = make()
    counter = thing._lock if isinstance(thing, Condition) else thing
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's only cancels the main task
    try:
        with monkeypatch.context() as patch:
            patch.setattr(counter, "_budget", Interrupt(checkpoint_is_due))
            with pytest.raises(KeyboardInterrupt):
                async with thing:
                    pass
    finally:
        signal.signal(signal.SIGINT, before)

    assert await is_free(thing)


@one_place
async def test_entered_by_another_task_it_is_held_by_that(make: Callable[[], Any]) -> None:
    thing, entered = make(), anyio.Event()

    async def enter(entering: Any) -> None:
        await entering
        entered.set()
        await thing.__aexit__(None, None, None)

    async with create_task_group() as tg:
        await thing.acquire()
        tg.start_soon(enter, thing.__aenter__())  # another is inside: there is something to wait for
        await wait_until_blocked()
        assert not entered.is_set()
        thing.release()

    assert entered.is_set()
    assert await is_free(thing)


@pytest.mark.virtual_time
@one_place
async def test_what_comes_free_before_the_wait_begins_is_taken(make: Callable[[], Any]) -> None:
    thing = make()
    await thing.acquire()
    entering = thing.__aenter__()
    thing.release()

    with anyio.fail_after(1):
        await entering

    assert not await is_free(thing)
    thing.release()


class LockThatEntersByAcquiring(Lock):
    async def __aenter__(self) -> Self:  # type: ignore[override]
        await self.acquire()
        return self


class LimiterThatEntersByAcquiring(CapacityLimiter):
    async def __aenter__(self) -> Self:  # type: ignore[override]
        await self.acquire()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()


class SemaphoreThatEntersByAcquiring(Semaphore):
    async def __aenter__(self) -> Self:
        await self.acquire()
        return self


@pytest.mark.parametrize(
    "make",
    [
        LockThatEntersByAcquiring,
        lambda: LimiterThatEntersByAcquiring(1),
        lambda: SemaphoreThatEntersByAcquiring(1),
    ],
)
async def test_a_subclass_may_enter_by_acquiring(make: Callable[[], Any]) -> None:
    thing = make()

    async with thing as entered:
        assert entered is thing
        assert not await is_free(thing)
    assert await is_free(thing)
