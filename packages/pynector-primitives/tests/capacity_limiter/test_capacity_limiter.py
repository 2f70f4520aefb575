"""The capacity limiter: so many tokens, and who has borrowed them."""

import asyncio
import math
import re

import anyio
import pytest
from anyio import WouldBlock

from pynector.concurrency.primitives import CapacityLimiter
from pynector.concurrency.task.lowlevel import current_task
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

HOLDS_NONE = "this borrower isn't holding any of this CapacityLimiter's tokens"
HOLDS_ONE = "this borrower is already holding one of this CapacityLimiter's tokens, or waits for one"

both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


def counts(limiter: CapacityLimiter) -> tuple[int, float, int]:
    return limiter.borrowed_tokens, limiter.available_tokens, limiter.statistics().tasks_waiting


@both_speeds
async def test_no_more_tokens_than_there_are(fast: bool) -> None:
    most = 0

    async def use() -> None:
        nonlocal most
        async with limiter as entered:
            assert entered is None
            most = max(most, limiter.borrowed_tokens)
            await anyio.lowlevel.checkpoint()

    limiter = CapacityLimiter(2, fast_acquire=fast)
    async with anyio.create_task_group() as tg:
        for _ in range(6):
            tg.start_soon(use)
    assert most == 2
    assert counts(limiter) == (0, 2, 0)


async def test_a_task_may_hold_several_tokens() -> None:
    limiter = CapacityLimiter(3)

    async with limiter:
        await limiter.acquire()
        limiter.acquire_nowait()
        assert counts(limiter) == (3, 0, 0)
        assert len(limiter.statistics().borrowers) == 1
        limiter.release()
        limiter.release()
        assert counts(limiter) == (1, 2, 0)
    assert limiter.statistics().borrowers == ()


async def test_waiters_are_served_in_order_of_arrival() -> None:
    async def use(number: int) -> None:
        async with limiter:
            order.append(number)

    limiter, order = CapacityLimiter(1), list[int]()
    async with anyio.create_task_group() as tg:
        async with limiter:
            for number in range(5):
                tg.start_soon(use, number)
                await wait_until_blocked()
    assert order == [0, 1, 2, 3, 4]


async def test_release_gives_the_token_to_the_first_waiter_so_that_no_newcomer_overtakes() -> None:
    limiter = CapacityLimiter(1)
    async with anyio.create_task_group() as tg:
        limiter.acquire_on_behalf_of_nowait("a")
        tg.start_soon(limiter.acquire_on_behalf_of, "b")
        await wait_until_blocked()
        limiter.release_on_behalf_of("a")

        assert limiter.statistics().borrowers == ("b",)
        with pytest.raises(WouldBlock):
            limiter.acquire_on_behalf_of_nowait("c")
    assert limiter.borrowed_tokens == 1


async def test_a_task_that_holds_none_cannot_release() -> None:
    async def release() -> None:
        with pytest.raises(RuntimeError) as caught:
            limiter.release()
        assert str(caught.value) == HOLDS_NONE

    limiter = CapacityLimiter(1)
    async with limiter, anyio.create_task_group() as tg:
        tg.start_soon(release)
    await release()
    assert counts(limiter) == (0, 1, 0)


async def test_a_borrower_that_holds_none_cannot_release() -> None:
    limiter = CapacityLimiter(1)

    with pytest.raises(RuntimeError) as caught:
        limiter.release_on_behalf_of("nobody")
    assert str(caught.value) == HOLDS_NONE
    assert counts(limiter) == (0, 1, 0)


async def test_acquire_nowait_borrows_without_a_checkpoint() -> None:
    limiter = CapacityLimiter(1)

    with anyio.CancelScope() as scope:  # noqa: ASYNC100
        scope.cancel()
        limiter.acquire_nowait()
    assert limiter.borrowed_tokens == 1


@pytest.mark.parametrize("total", [0, 1])
async def test_acquire_nowait_refuses_when_none_is_available(total: int) -> None:
    limiter = CapacityLimiter(total)
    for number in range(total):
        limiter.acquire_on_behalf_of_nowait(number)

    with pytest.raises(WouldBlock):
        limiter.acquire_nowait()
    with pytest.raises(WouldBlock):
        limiter.acquire_on_behalf_of_nowait("another")


async def test_a_borrower_holds_one_token() -> None:
    limiter = CapacityLimiter(2)
    await limiter.acquire_on_behalf_of("b")

    with pytest.raises(RuntimeError) as caught:
        await limiter.acquire_on_behalf_of("b")
    assert str(caught.value) == HOLDS_ONE
    with pytest.raises(RuntimeError) as caught:
        limiter.acquire_on_behalf_of_nowait("b")
    assert str(caught.value) == HOLDS_ONE
    assert counts(limiter) == (1, 1, 0)


async def test_a_borrower_waits_for_one_token() -> None:
    limiter = CapacityLimiter(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire_on_behalf_of, "b")
        await wait_until_blocked()

        with pytest.raises(RuntimeError) as caught:
            await limiter.acquire_on_behalf_of("b")
        assert str(caught.value) == HOLDS_ONE
        assert counts(limiter) == (0, 0, 1)
        tg.cancel_scope.cancel()
    limiter.total_tokens = 1
    await limiter.acquire_on_behalf_of("b")


async def test_a_task_that_waits_for_itself_is_a_borrower_that_waits() -> None:
    async def wait() -> None:
        nonlocal task
        task = current_task()
        await limiter.acquire()

    task: object = None
    limiter = CapacityLimiter(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()

        with pytest.raises(RuntimeError) as caught:
            limiter.acquire_on_behalf_of_nowait(task)
        assert str(caught.value) == HOLDS_ONE
        tg.cancel_scope.cancel()


# The number of tokens


async def test_raising_the_total_serves_as_many_waiters_as_there_is_room_for_in_order() -> None:
    limiter = CapacityLimiter(0)
    async with anyio.create_task_group() as tg:
        for number in range(4):
            tg.start_soon(limiter.acquire_on_behalf_of, number)
            await wait_until_blocked()
        limiter.total_tokens = 3
        assert limiter.statistics().borrowers == (0, 1, 2)
        assert counts(limiter) == (3, 0, 1)
        limiter.total_tokens = math.inf
        assert limiter.statistics().borrowers == (0, 1, 2, 3)


async def test_lowering_the_total_takes_nothing_back() -> None:
    limiter = CapacityLimiter(2)
    limiter.acquire_on_behalf_of_nowait("a")
    limiter.acquire_on_behalf_of_nowait("b")

    limiter.total_tokens = 1
    assert (limiter.total_tokens, *counts(limiter)) == (1, 2, -1, 0)


async def test_after_lowering_a_release_serves_nobody_until_there_is_room() -> None:
    limiter = CapacityLimiter(2)
    limiter.acquire_on_behalf_of_nowait("a")
    limiter.acquire_on_behalf_of_nowait("b")
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire_on_behalf_of, "c")
        await wait_until_blocked()
        limiter.total_tokens = 1
        limiter.release_on_behalf_of("a")
        assert counts(limiter) == (1, 0, 1)
        limiter.release_on_behalf_of("b")
        assert counts(limiter) == (1, 0, 0)


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (-1, ValueError, "total_tokens must be >= 0, not -1"),
        (2.0, TypeError, "total_tokens must be an int or math.inf, not 2.0"),
        ("2", TypeError, "total_tokens must be an int or math.inf, not '2'"),
        (math.nan, TypeError, "total_tokens must be an int or math.inf, not nan"),
        (True, TypeError, "total_tokens must be an int, not True"),
    ],
)
def test_wrong_totals_are_refused(value: float, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        CapacityLimiter(value)
    assert str(caught.value) == says
    limiter = CapacityLimiter(1)
    with pytest.raises(error) as caught:
        limiter.total_tokens = value
    assert str(caught.value) == says
    assert limiter.total_tokens == 1


def test_the_total_may_be_infinite() -> None:
    assert CapacityLimiter(float("inf")).available_tokens == math.inf


# What it tells


async def test_statistics_and_repr_name_borrowers_and_waiters() -> None:
    limiter = CapacityLimiter(1)
    assert repr(limiter) == "<CapacityLimiter 0 of 1 borrowed, 0 waiting>"
    await limiter.acquire_on_behalf_of("b")
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire, name="waiter")
        await wait_until_blocked()

        statistics = limiter.statistics()
        assert isinstance(statistics, anyio.CapacityLimiterStatistics)
        assert (statistics.borrowed_tokens, statistics.total_tokens) == (1, 1)
        assert (statistics.borrowers, statistics.tasks_waiting) == (("b",), 1)
        (waiter,) = statistics.waiters
        assert (waiter.name, waiter.waits_for, waiter.held_by) == ("waiter", "CapacityLimiter", ("'b'",))
        assert repr(limiter) == "<CapacityLimiter 1 of 1 borrowed, 1 waiting>"
        tg.cancel_scope.cancel()


async def test_it_limits_threads_of_anyio() -> None:
    limiter, most = CapacityLimiter(1), 0

    def look() -> None:
        nonlocal most
        most = max(most, limiter.borrowed_tokens)

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(lambda: anyio.to_thread.run_sync(look, limiter=limiter))  # type: ignore[arg-type]
    assert most == 1
    assert limiter.borrowed_tokens == 0


# Cancellation


async def test_cancelled_while_waiting_borrows_nothing() -> None:
    limiter = CapacityLimiter(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire)
        tg.start_soon(limiter.acquire_on_behalf_of, "b")
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    limiter.total_tokens = 1
    assert counts(limiter) == (0, 1, 0)


async def test_a_task_that_was_cancelled_while_it_waited_is_a_borrower_that_waits_no_longer() -> None:
    limiter = CapacityLimiter(0)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await limiter.acquire()

    limiter.total_tokens = 1
    await limiter.acquire_on_behalf_of(current_task())
    assert limiter.borrowed_tokens == 1


@pytest.mark.parametrize("borrower", [None, "b"])
async def test_acquire_of_an_available_token_in_a_cancelled_scope_borrows_nothing(
    borrower: str | None,
) -> None:
    limiter = CapacityLimiter(1)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await (limiter.acquire_on_behalf_of(borrower) if borrower else limiter.acquire())
    assert scope.cancelled_caught
    assert counts(limiter) == (0, 1, 0)


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_the_grant_passes_it_on() -> None:
    limiter = CapacityLimiter(0)
    first, second = (asyncio.ensure_future(limiter.acquire_on_behalf_of(name)) for name in "ab")
    await asyncio.sleep(0)

    limiter.total_tokens = 1
    assert limiter.statistics().borrowers == ("a",)
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert limiter.statistics().borrowers == ("b",)
    await limiter_is_usable_again(limiter)


async def limiter_is_usable_again(limiter: CapacityLimiter) -> None:
    limiter.release_on_behalf_of("b")
    await limiter.acquire_on_behalf_of("a")
    limiter.release_on_behalf_of("a")
    assert counts(limiter) == (0, 1, 0)


@pytest.mark.on("asyncio")
async def test_what_is_on_its_way_to_a_borrower_can_be_given_back() -> None:
    limiter = CapacityLimiter(1)
    limiter.acquire_on_behalf_of_nowait("a")
    waiting = asyncio.ensure_future(limiter.acquire_on_behalf_of("b"))
    await asyncio.sleep(0)

    limiter.release_on_behalf_of("a")
    assert limiter.statistics().borrowers == ("b",)
    limiter.release_on_behalf_of("b")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert counts(limiter) == (0, 1, 0)


@pytest.mark.on("asyncio")
@pytest.mark.parametrize("tokens", [1, 2], ids=["waited for", "at its checkpoint"])
async def test_a_task_that_is_cancelled_natively_gives_no_token_back_that_another_has(tokens: int) -> None:
    limiter = CapacityLimiter(tokens)
    limiter.acquire_on_behalf_of_nowait("other")
    task = asyncio.ensure_future(limiter.acquire())
    if counts(limiter) == (1, tokens - 1, 0):  # it has not begun: it is not eager
        await asyncio.sleep(0)
    limiter.release_on_behalf_of("other")

    limiter.release_on_behalf_of(task)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert counts(limiter) == (0, tokens, 0)


@both_speeds
async def test_any_hashable_object_may_borrow_none_included(fast: bool) -> None:
    limiter = CapacityLimiter(2, fast_acquire=fast)

    await limiter.acquire_on_behalf_of(None)
    limiter.acquire_on_behalf_of_nowait(0)
    assert limiter.statistics().borrowers == (None, 0)

    limiter.release_on_behalf_of(None)
    limiter.release_on_behalf_of(0)
    assert counts(limiter) == (0, 2, 0)


@pytest.mark.parametrize("borrower", [{}, ("a", [])], ids=["dict", "tuple of a list"])
async def test_what_cannot_be_hashed_is_refused_by_name(borrower: object) -> None:
    limiter = CapacityLimiter(1)
    message = rf"^borrower must be hashable, not {re.escape(repr(borrower))}$"

    with pytest.raises(TypeError, match=message):
        limiter.acquire_on_behalf_of_nowait(borrower)
    with pytest.raises(TypeError, match=message):
        await limiter.acquire_on_behalf_of(borrower)
    with pytest.raises(TypeError, match=message):
        limiter.release_on_behalf_of(borrower)
    assert counts(limiter) == (0, 1, 0)


async def test_an_error_of_comparing_borrowers_is_not_taken_for_one_of_hashing() -> None:
    class Picky:
        def __hash__(self) -> int:
            return hash("a")

        def __eq__(self, other: object) -> bool:
            raise TypeError("cannot be compared")

    limiter = CapacityLimiter(2)
    await limiter.acquire_on_behalf_of("a")

    for use in (limiter.acquire_on_behalf_of_nowait, limiter.release_on_behalf_of):
        with pytest.raises(TypeError, match="cannot be compared"):
            use(Picky())
    assert counts(limiter) == (1, 1, 0)


async def test_equal_objects_are_one_borrower() -> None:
    limiter = CapacityLimiter(2)
    await limiter.acquire_on_behalf_of(1)

    with pytest.raises(RuntimeError, match=HOLDS_ONE):
        await limiter.acquire_on_behalf_of(1.0)
    limiter.release_on_behalf_of(1.0)
    assert counts(limiter) == (0, 2, 0)


async def test_a_task_releases_its_own_token_while_another_acquires_on_its_behalf() -> None:
    limiter = CapacityLimiter(2)
    await limiter.acquire()
    await limiter.acquire_on_behalf_of("another")
    limiter.total_tokens = 1
    task = current_task()
    held: list[tuple[int, float, int]] = []

    async def lend() -> None:
        # As long as the task holds one of its own, nobody may acquire on its behalf.
        with pytest.raises(RuntimeError):
            await limiter.acquire_on_behalf_of(task)
        held.append(counts(limiter))

    async with anyio.create_task_group() as tg:
        tg.start_soon(lend)
    limiter.release()
    limiter.release_on_behalf_of("another")

    assert held == [(2, -1, 0)]
    assert counts(limiter) == (0, 1, 0)


async def test_a_token_on_its_way_to_a_task_does_not_bar_the_one_that_it_holds() -> None:
    limiter, owners = CapacityLimiter(0), list[object]()

    async def own() -> None:
        owners.append(current_task())
        await started.wait()
        await limiter.acquire()
        limiter.release()

    started = anyio.Event()
    async with anyio.create_task_group() as tg:
        tg.start_soon(own)
        await wait_until_blocked()
        tg.start_soon(limiter.acquire_on_behalf_of, owners[0])
        await wait_until_blocked()
        started.set()
        await wait_until_blocked()
        limiter.total_tokens = 2

    assert limiter.borrowed_tokens == 1


async def test_a_refusal_names_borrower_and_limiter() -> None:
    with pytest.raises(RuntimeError) as caught:
        CapacityLimiter(3).release_on_behalf_of("ada")

    note = "the borrower is 'ada', the limiter is <CapacityLimiter 0 of 3 borrowed, 0 waiting>"
    assert caught.value.__notes__ == [note]


async def test_a_refusal_names_a_task_as_logs_do() -> None:
    async def release() -> None:
        with pytest.raises(RuntimeError) as caught:
            CapacityLimiter(3).release()
        notes.extend(caught.value.__notes__)

    notes: list[str] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(release, name="worker")
    assert [note.partition(",")[0] for note in notes] == ["the borrower is task 'worker'"]


async def test_a_borrower_that_cannot_be_shown_is_refused_like_others() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise LookupError

    with pytest.raises(RuntimeError, match=HOLDS_NONE) as caught:
        CapacityLimiter(3).release_on_behalf_of(Shy())
    assert "<Shy instance at" in caught.value.__notes__[0]


async def test_a_token_that_was_given_back_on_its_way_is_not_given_back_again() -> None:
    limiter = CapacityLimiter(1)
    await limiter.acquire_on_behalf_of("a")
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.acquire_on_behalf_of, "b")
        await wait_until_blocked()
        limiter.release_on_behalf_of("a")
        limiter.release_on_behalf_of("b")  # granted, and "b" has not run since

    assert counts(limiter) == (0, 1, 0)
    with pytest.raises(RuntimeError, match=HOLDS_NONE):
        limiter.release_on_behalf_of("b")
