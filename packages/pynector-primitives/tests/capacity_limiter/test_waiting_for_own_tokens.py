"""A task that holds all tokens is not left waiting for another: nobody else could give it one back."""

import anyio
import pytest

from pynector.concurrency.primitives import CapacityLimiter
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("total", [1, 2])
async def test_acquire_by_the_task_that_holds_all_tokens_is_refused(total: int) -> None:
    limiter = CapacityLimiter(total)
    for _ in range(total):
        await limiter.acquire()

    with pytest.raises(RuntimeError) as refusal:
        await limiter.acquire()

    assert str(refusal.value) == (
        "this borrower is already holding one of this CapacityLimiter's tokens, and nobody else holds"
        " another: it would wait for itself"
    )
    assert limiter.borrowed_tokens == total


async def test_a_task_that_holds_some_of_the_tokens_waits_for_those_of_others() -> None:
    limiter = CapacityLimiter(2)
    await limiter.acquire()
    await limiter.acquire_on_behalf_of("somebody else")

    async with anyio.create_task_group() as tg:
        tg.start_soon(release_when_blocked, limiter, "somebody else")
        await limiter.acquire()

    assert limiter.statistics().borrowed_tokens == 2


async def test_without_any_tokens_a_task_waits_until_there_are_some() -> None:
    limiter = CapacityLimiter(0)

    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire)
        await wait_until_blocked()
        limiter.total_tokens = 1

    assert limiter.borrowed_tokens == 1


async def release_when_blocked(limiter: CapacityLimiter, borrower: object) -> None:
    await wait_until_blocked()
    limiter.release_on_behalf_of(borrower)
