"""The semaphore: so many places, handed over in order."""

import asyncio
from typing import Any

import anyio
import pytest
from anyio import WouldBlock

from pynector.concurrency.primitives import Semaphore
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


@both_speeds
async def test_no_more_tasks_than_places(fast: bool) -> None:
    inside, most = 0, 0

    async def use() -> None:
        nonlocal inside, most
        async with semaphore:
            inside += 1
            most = max(most, inside)
            await anyio.lowlevel.checkpoint()
            inside -= 1

    semaphore = Semaphore(2, fast_acquire=fast)
    async with anyio.create_task_group() as tg:
        for _ in range(6):
            tg.start_soon(use)
    assert most == 2
    assert semaphore.value == 2


async def test_entering_the_block_gives_the_semaphore() -> None:
    semaphore = Semaphore(1)

    async with semaphore as entered:
        assert entered is semaphore
        assert semaphore.value == 0
    assert semaphore.value == 1


@both_speeds
async def test_acquire_takes_a_place_and_gives_none(fast: bool) -> None:
    semaphore = Semaphore(1, fast_acquire=fast)

    assert await semaphore.acquire() is None  # type: ignore[func-returns-value]
    assert semaphore.value == 0


async def test_waiters_are_served_in_order_of_arrival() -> None:
    async def use(number: int) -> None:
        async with semaphore:
            order.append(number)

    semaphore, order = Semaphore(0), list[int]()
    async with anyio.create_task_group() as tg:
        for number in range(5):
            tg.start_soon(use, number)
            await wait_until_blocked()
        semaphore.release()
    assert order == [0, 1, 2, 3, 4]
    assert semaphore.value == 1


async def test_release_gives_the_place_to_the_first_waiter_so_that_no_newcomer_overtakes() -> None:
    semaphore = Semaphore(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(semaphore.acquire)
        await wait_until_blocked()
        semaphore.release()

        assert semaphore.value == 0
        with pytest.raises(WouldBlock):
            semaphore.acquire_nowait()


async def test_any_task_may_release() -> None:
    async def release() -> None:
        semaphore.release()

    semaphore = Semaphore(1)
    await semaphore.acquire()
    async with anyio.create_task_group() as tg:
        tg.start_soon(release)
    assert semaphore.value == 1


async def test_acquire_nowait_takes_a_free_place_without_a_checkpoint() -> None:
    semaphore = Semaphore(1)

    with anyio.CancelScope() as scope:  # noqa: ASYNC100
        scope.cancel()
        semaphore.acquire_nowait()
    assert semaphore.value == 0


async def test_acquire_nowait_refuses_when_none_is_free() -> None:
    with pytest.raises(WouldBlock):
        Semaphore(0).acquire_nowait()


async def test_a_release_above_the_limit_is_refused() -> None:
    semaphore = Semaphore(1, max_value=2)
    semaphore.release()

    with pytest.raises(ValueError, match=r"^semaphore released too many times; its max_value is 2$"):
        semaphore.release()
    assert semaphore.value == 2


async def test_without_a_limit_any_release_is_taken() -> None:
    semaphore = Semaphore(0)

    for _ in range(3):
        semaphore.release()
    assert semaphore.value == 3
    assert semaphore.max_value is None


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"initial_value": -1}, ValueError, "initial_value must be >= 0, not -1"),
        ({"initial_value": 1.5}, TypeError, "initial_value must be an int, not 1.5"),
        ({"initial_value": True}, TypeError, "initial_value must be an int, not True"),
        ({"initial_value": 0, "max_value": "2"}, TypeError, "max_value must be an int, not '2'"),
        ({"initial_value": 0, "max_value": -1}, ValueError, "max_value must be >= 0, not -1"),
        ({"initial_value": 3, "max_value": 2}, ValueError, "max_value must be >= initial_value, 3, not 2"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        Semaphore(**arguments)
    assert str(caught.value) == says


async def test_statistics_and_repr_name_the_waiters() -> None:
    semaphore = Semaphore(0, max_value=4)
    assert repr(semaphore) == "<Semaphore 0 free, 0 waiting>"
    async with anyio.create_task_group() as tg:
        tg.start_soon(semaphore.acquire, name="waiter")
        await wait_until_blocked()

        statistics = semaphore.statistics()
        assert isinstance(statistics, anyio.SemaphoreStatistics)
        assert statistics.tasks_waiting == 1
        assert [(waiter.name, waiter.waits_for) for waiter in statistics.waiters] == [("waiter", "Semaphore")]
        assert repr(semaphore) == "<Semaphore 0 free, 1 waiting>"
        assert semaphore.max_value == 4
        semaphore.release()
    assert semaphore.statistics().waiters == ()


# Cancellation


async def test_cancelled_while_waiting_takes_nothing() -> None:
    semaphore = Semaphore(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(semaphore.acquire)
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    semaphore.release()
    assert semaphore.value == 1
    assert semaphore.statistics().tasks_waiting == 0


async def test_acquire_of_a_free_place_in_a_cancelled_scope_takes_nothing() -> None:
    semaphore = Semaphore(1)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await semaphore.acquire()
    assert scope.cancelled_caught
    assert semaphore.value == 1


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_the_grant_passes_it_on() -> None:
    semaphore = Semaphore(0)
    first, second = (asyncio.ensure_future(semaphore.acquire()) for _ in range(2))
    await asyncio.sleep(0)

    semaphore.release()
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert not second.cancelled()
    assert semaphore.value == 0


@pytest.mark.on("asyncio")
async def test_natively_cancelled_at_the_checkpoint_of_a_free_place_hands_it_on() -> None:
    semaphore = Semaphore(1)
    first, second = (asyncio.ensure_future(semaphore.acquire()) for _ in range(2))
    if semaphore.value:  # eager tasks have begun
        await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert not second.cancelled()
    assert semaphore.value == 0
