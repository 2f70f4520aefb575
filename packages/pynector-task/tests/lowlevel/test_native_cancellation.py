"""A grant that meets asyncio's Task.cancel() is given back, synchronously."""

import asyncio

import pytest

from pynector.concurrency.task.lowlevel import ParkingLot
from pynector.concurrency.testing import wait_until_blocked

pytestmark = [pytest.mark.anyio, pytest.mark.on("asyncio")]


class Queue:
    """Hands values over, and passes one on that comes back."""

    def __init__(self) -> None:
        self.lot: ParkingLot[str] = ParkingLot("Queue")
        self.kept: list[str] = []
        self.given_back: list[str] = []

    async def get(self) -> str:
        return await self.lot.park(self.put_back)

    def put_back(self, value: str) -> None:
        self.given_back.append(value)
        if self.lot.unpark(value) is None:
            self.kept.append(value)


async def waiting(queue: Queue, number: int) -> list[asyncio.Task[str]]:
    tasks = []
    for _ in range(number):
        tasks.append(asyncio.create_task(queue.get()))
        await wait_until_blocked()
    return tasks


async def test_a_value_granted_before_the_cancellation_goes_to_the_next() -> None:
    queue = Queue()
    victim, heir = await waiting(queue, 2)

    queue.lot.unpark("value")
    victim.cancel()

    assert await heir == "value"
    assert queue.given_back == ["value"]
    assert victim.cancelled()


async def test_a_value_granted_before_the_cancellation_is_kept_if_nobody_waits() -> None:
    queue = Queue()
    (victim,) = await waiting(queue, 1)

    queue.lot.unpark("value")
    victim.cancel()
    await wait_until_blocked()

    assert queue.kept == ["value"]
    assert victim.cancelled()


async def test_a_value_is_passed_on_along_a_whole_row_of_cancelled_tasks() -> None:
    queue = Queue()
    *victims, heir = await waiting(queue, 5)

    queue.lot.unpark("value")
    for victim in victims:
        victim.cancel()

    assert await heir == "value"
    assert all(victim.cancelled() for victim in victims)


async def test_unpark_passes_over_a_task_that_is_cancelled_and_has_not_run_since() -> None:
    queue = Queue()
    victim, heir = await waiting(queue, 2)

    victim.cancel()
    woken = queue.lot.unpark("value")

    assert woken is heir
    assert await heir == "value"
    assert queue.given_back == []


async def test_unpark_wakes_nobody_if_all_are_cancelled_and_have_not_run_since() -> None:
    queue = Queue()
    victims = await waiting(queue, 2)

    for victim in victims:
        victim.cancel()

    assert queue.lot.unpark("value") is None
    await wait_until_blocked()
    assert queue.given_back == []


async def test_a_cancelled_task_counts_until_it_has_run() -> None:
    queue = Queue()
    (victim,) = await waiting(queue, 1)

    victim.cancel()

    assert len(queue.lot) == 1
    await wait_until_blocked()
    assert len(queue.lot) == 0


async def test_an_error_granted_before_the_cancellation_gives_nothing_back() -> None:
    queue = Queue()
    (victim,) = await waiting(queue, 1)

    queue.lot.fail_all(lambda: OSError("closed"))
    victim.cancel()
    await wait_until_blocked()

    assert victim.cancelled()
    assert queue.given_back == []


async def test_fail_all_passes_over_a_task_that_is_cancelled_and_has_not_run_since() -> None:
    queue = Queue()
    (victim,) = await waiting(queue, 1)

    victim.cancel()
    queue.lot.fail_all(lambda: OSError("closed"))
    await wait_until_blocked()

    assert victim.cancelled()


async def test_a_timeout_of_asyncio_takes_its_task_out_of_the_queue() -> None:
    queue = Queue()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await queue.get()

    assert len(queue.lot) == 0


async def test_a_coroutine_closed_while_it_waits_leaves_the_queue() -> None:
    queue = Queue()
    coro = queue.get()
    coro.send(None)

    coro.close()

    assert len(queue.lot) == 0
    assert queue.lot.unpark("value") is None


async def test_a_coroutine_closed_after_its_grant_gives_the_value_back() -> None:
    queue = Queue()
    coro = queue.get()
    coro.send(None)

    queue.lot.unpark("value")
    coro.close()

    assert queue.kept == ["value"]
