"""The event: a flag that is set once."""

import asyncio

import anyio
import pytest

from pynector.concurrency.primitives import Event
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def test_set_wakes_all_who_wait() -> None:
    async def wait(number: int) -> None:
        await event.wait()
        woken.append(number)

    event, woken = Event(), list[int]()
    async with anyio.create_task_group() as tg:
        for number in range(3):
            tg.start_soon(wait, number)
        await wait_until_blocked()
        assert not event.is_set()
        event.set()
        assert event.is_set()
    assert sorted(woken) == [0, 1, 2]


async def test_a_wait_that_was_called_before_set_but_begins_after_it_returns() -> None:
    event = Event()
    waiting = event.wait()

    event.set()
    await waiting


async def test_wait_on_a_set_event_is_a_checkpoint() -> None:
    event = Event()
    event.set()

    with anyio.CancelScope() as scope:
        scope.cancel()
        await event.wait()
    assert scope.cancelled_caught
    await event.wait()


async def test_setting_twice_is_as_good_as_once() -> None:
    event = Event()

    event.set()
    event.set()
    assert event.is_set()


async def test_a_waiter_that_was_woken_returns_even_if_its_scope_is_cancelled_then() -> None:
    async def wait() -> None:
        with scope:
            await event.wait()
            woken.append(True)

    event, scope, woken = Event(), anyio.CancelScope(), list[bool]()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        event.set()
        scope.cancel()
    assert woken == [True]


async def test_cancelled_while_waiting_leaves_the_queue() -> None:
    event = Event()
    async with anyio.create_task_group() as tg:
        tg.start_soon(event.wait)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    assert event.statistics().tasks_waiting == 0
    event.set()


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_set_is_cancelled_and_the_others_are_woken() -> None:
    event = Event()
    first, second = (asyncio.ensure_future(event.wait()) for _ in range(2))
    await asyncio.sleep(0)

    event.set()
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert not second.cancelled()


async def test_statistics_and_repr_name_the_waiters() -> None:
    event = Event()
    assert repr(event) == "<Event not set, 0 waiting>"
    async with anyio.create_task_group() as tg:
        tg.start_soon(event.wait, name="waiter")
        await wait_until_blocked()

        statistics = event.statistics()
        assert isinstance(statistics, anyio.EventStatistics)
        assert statistics.tasks_waiting == 1
        assert [(waiter.name, waiter.waits_for) for waiter in statistics.waiters] == [("waiter", "Event")]
        assert repr(event) == "<Event not set, 1 waiting>"
        event.set()
    assert event.statistics().tasks_waiting == 0
    assert repr(event) == "<Event set, 0 waiting>"


def test_it_can_be_set_before_any_event_loop_runs(anyio_backend_name: str) -> None:
    event = Event()
    event.set()

    anyio.run(event.wait, backend=anyio_backend_name)


async def test_an_event_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"use event\.is_set\(\)"):
        bool(Event())
