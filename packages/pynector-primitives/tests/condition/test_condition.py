"""The condition: wait until something has changed, with the lock held before and after."""

import asyncio
from typing import Any

import anyio
import pytest
from anyio import BrokenResourceError, WouldBlock

from pynector.concurrency.primitives import Condition, Lock
from pynector.concurrency.task.lowlevel import current_task
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

NOT_HELD = "The current task is not holding the underlying lock"


def holds(condition: Condition) -> bool:
    return condition._lock._lock.owner is current_task()


async def test_it_is_a_lock_too() -> None:
    condition = Condition()

    async with condition as entered:
        assert entered is None
        assert condition.locked()
    assert not condition.locked()
    await condition.acquire()
    condition.release()
    condition.acquire_nowait()
    with pytest.raises(RuntimeError, match="already held"):
        condition.acquire_nowait()
    condition.release()
    assert not condition.locked()


async def test_acquire_nowait_refuses_a_held_lock() -> None:
    async def try_it() -> None:
        with pytest.raises(WouldBlock):
            condition.acquire_nowait()

    condition = Condition()
    async with condition, anyio.create_task_group() as tg:
        tg.start_soon(try_it)


async def test_it_takes_a_lock_that_others_use_too() -> None:
    lock = Lock()
    condition = Condition(lock)

    async with lock:
        assert condition.locked()
        condition.notify()
        condition.notify_all()


@pytest.mark.parametrize("lock", [object(), anyio.Lock])
def test_another_lock_is_refused(lock: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Condition(lock)
    assert str(caught.value) == f"lock must be a pynector.concurrency.primitives.Lock, not {lock!r}"


class Waiters:
    """Tasks that wait for a notification, in order; it notes who came back with the lock held."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.back = list[int]()

    async def wait(self, number: int) -> None:
        async with self.condition:
            await self.condition.wait()
            assert holds(self.condition)
            self.back.append(number)

    async def start(self, tg: anyio.abc.TaskGroup, count: int) -> None:
        for number in range(count):
            tg.start_soon(self.wait, number)
            await wait_until_blocked()


@pytest.mark.parametrize(("n", "woken"), [(0, []), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
async def test_notify_wakes_the_first_n(n: int, woken: list[int]) -> None:
    waiters = Waiters(Condition())
    async with anyio.create_task_group() as tg:
        await waiters.start(tg, 3)
        async with waiters.condition:
            waiters.condition.notify(n)
        await wait_until_blocked()
        assert sorted(waiters.back) == woken
        tg.cancel_scope.cancel()
    assert not waiters.condition.locked()


async def test_notify_all_wakes_all() -> None:
    waiters = Waiters(Condition())
    async with anyio.create_task_group() as tg:
        await waiters.start(tg, 3)
        async with waiters.condition:
            waiters.condition.notify_all()
            assert waiters.back == []
    assert sorted(waiters.back) == [0, 1, 2]


async def test_notify_may_be_awaited_or_not() -> None:
    """Awaiting it waits for nothing, and is no checkpoint."""
    waiters = Waiters(Condition())
    async with anyio.create_task_group() as tg:
        await waiters.start(tg, 3)
        async with waiters.condition:
            with anyio.CancelScope() as scope:
                scope.cancel()
                assert await waiters.condition.notify() is None
                assert await waiters.condition.notify_all() is None
            assert not scope.cancelled_caught or scope.cancel_called
            assert waiters.back == []
    assert sorted(waiters.back) == [0, 1, 2]


async def test_wait_releases_the_lock_meanwhile() -> None:
    waiters = Waiters(Condition())
    async with anyio.create_task_group() as tg:
        await waiters.start(tg, 1)
        assert not waiters.condition.locked()
        tg.cancel_scope.cancel()


async def test_wait_for_gives_what_is_true_and_asks_with_the_lock_held() -> None:
    def items_if_held() -> list[str]:
        assert holds(condition)
        return items

    async def take() -> None:
        async with condition:
            taken.append(await condition.wait_for(items_if_held))

    condition, items, taken = Condition(), list[str](), list[list[str]]()
    async with anyio.create_task_group() as tg:
        tg.start_soon(take)
        await wait_until_blocked()
        async with condition:
            condition.notify()  # nothing has changed: it waits on
        await wait_until_blocked()
        assert taken == []
        async with condition:
            items.append("tea")
            condition.notify()
    assert taken == [["tea"]]


async def test_wait_for_what_is_true_already_is_no_checkpoint() -> None:
    condition = Condition()
    await condition.acquire()

    with anyio.CancelScope() as scope:
        scope.cancel()
        assert await condition.wait_for(lambda: 7) == 7
        condition.release()
    assert not condition.locked()


async def test_without_the_lock_everything_is_refused() -> None:
    condition = Condition()

    for wrong in (condition.notify, condition.notify_all):
        with pytest.raises(RuntimeError) as caught:
            wrong()
        assert str(caught.value) == NOT_HELD
    with pytest.raises(RuntimeError) as caught:
        await condition.wait()
    assert str(caught.value) == NOT_HELD
    with pytest.raises(RuntimeError) as caught:
        await condition.wait_for(lambda: False)
    assert str(caught.value) == NOT_HELD


@pytest.mark.parametrize(
    ("n", "error", "says"),
    [(-1, ValueError, "n must be >= 0, not -1"), (1.5, TypeError, "n must be an int, not 1.5")],
)
async def test_a_wrong_number_of_notifications_is_refused(n: Any, error: type[Exception], says: str) -> None:
    condition = Condition()
    async with condition:
        with pytest.raises(error) as caught:
            condition.notify(n)
    assert str(caught.value) == says


async def test_statistics_and_repr_name_all_who_wait() -> None:
    async def wait() -> None:
        async with condition:
            await condition.wait()

    condition = Condition()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait, name="waiter")
        await wait_until_blocked()
        async with condition:
            tg.start_soon(wait, name="comer")
            await wait_until_blocked()

            statistics = condition.statistics()
            assert isinstance(statistics, anyio.ConditionStatistics)
            assert statistics.tasks_waiting == 1
            assert [waiter.name for waiter in statistics.waiters] == ["waiter"]
            assert statistics.lock_statistics.locked
            assert statistics.lock_statistics.tasks_waiting == 1
            assert repr(condition) == f"<Condition of {condition._lock!r}, 1 waiting for a notification>"
        tg.cancel_scope.cancel()


# Cancellation


async def test_cancelled_while_waiting_it_leaves_with_the_lock_held() -> None:
    async def wait() -> None:
        with scope:
            async with condition:
                try:
                    await condition.wait()
                finally:
                    held.append(holds(condition))

    condition, scope, held = Condition(), anyio.CancelScope(), list[bool]()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        async with condition:
            scope.cancel()
            await wait_until_blocked()
            assert held == []  # it waits for the lock, though cancelled
    assert held == [True]
    assert scope.cancelled_caught
    assert not condition.locked()


class Scoped:
    """Two tasks that wait for a notification, each in a scope; it notes who returned from that."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.scopes = [anyio.CancelScope(), anyio.CancelScope()]
        self.notified = list[int]()
        self.held = list[bool]()

    async def wait(self, number: int) -> None:
        with self.scopes[number]:
            async with self.condition:
                try:
                    await self.condition.wait()
                    self.notified.append(number)
                finally:
                    self.held.append(holds(self.condition))


async def test_a_scope_cancelled_before_the_lock_comes_back_passes_the_notification_on() -> None:
    waiting = Scoped()
    async with anyio.create_task_group() as tg:
        for number in range(2):
            tg.start_soon(waiting.wait, number)
            await wait_until_blocked()
        async with waiting.condition:
            waiting.condition.notify()
            waiting.scopes[0].cancel()
            await wait_until_blocked()
            assert waiting.held == []
    assert waiting.notified == [1]
    assert waiting.held == [True, True]
    assert waiting.scopes[0].cancelled_caught


async def test_a_scope_cancelled_after_the_lock_has_come_back_comes_too_late() -> None:
    waiting = Scoped()
    async with anyio.create_task_group() as tg:
        for number in range(2):
            tg.start_soon(waiting.wait, number)
            await wait_until_blocked()
        async with waiting.condition:
            waiting.condition.notify()
        waiting.scopes[0].cancel()
        await wait_until_blocked()
        assert waiting.notified == [0]
        tg.cancel_scope.cancel()
    assert waiting.held == [True, True]


async def test_who_is_notified_waits_for_the_lock_and_is_not_woken_before_it_owns_it() -> None:
    waiting = Scoped()
    async with anyio.create_task_group() as tg:
        for number in range(2):
            tg.start_soon(waiting.wait, number)
            await wait_until_blocked()
        async with waiting.condition:
            waiting.condition.notify(2)
            numbers = waiting.condition.statistics()
            assert (numbers.tasks_waiting, numbers.lock_statistics.tasks_waiting) == (0, 2)
    assert waiting.notified == [0, 1]


async def test_all_who_are_notified_together_go_on_in_one_pass_of_the_event_loop() -> None:
    waiters = Waiters(Condition())
    async with anyio.create_task_group() as tg:
        for number in range(50):
            tg.start_soon(waiters.wait, number)
        await wait_until_blocked()
        async with waiters.condition:
            waiters.condition.notify_all()
        for _ in range(2):  # in the first pass this task may be the first to run
            await anyio.lowlevel.checkpoint()
        assert len(waiters.back) == 50


async def test_cancelled_after_a_notification_of_all_it_leaves_with_the_lock_and_notifies_nobody() -> None:
    waiting = Scoped()
    async with anyio.create_task_group() as tg:
        for number in range(2):
            tg.start_soon(waiting.wait, number)
            await wait_until_blocked()
        async with waiting.condition:
            waiting.condition.notify_all()
            await wait_until_blocked()  # they were woken, and wait for the lock
            waiting.scopes[0].cancel()
            await wait_until_blocked()
            assert waiting.held == []
            waiting.scopes.append(anyio.CancelScope())
            tg.start_soon(waiting.wait, 2)
        await wait_until_blocked()
        assert waiting.scopes[0].cancelled_caught
        assert waiting.notified == [1]
        assert waiting.held == [True, True]
        tg.cancel_scope.cancel()


class Pair:
    """Two asyncio tasks that wait for a notification; it notes who left with the lock held, and how."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.notified = list[str]()
        self.held = list[bool]()
        self.tasks = [asyncio.ensure_future(self.wait(name)) for name in ("first", "second")]

    async def wait(self, name: str) -> None:
        async with self.condition:
            try:
                await self.condition.wait()
                self.notified.append(name)
            finally:
                self.held.append(holds(self.condition))

    async def parked(self) -> None:
        while self.condition.statistics().tasks_waiting < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.mark.on("asyncio")
async def test_natively_cancelled_in_the_tick_of_the_notification_passes_it_on() -> None:
    pair = Pair()
    await pair.parked()
    async with pair.condition:
        pair.condition.notify()
        pair.tasks[0].cancel()
    await asyncio.wait(pair.tasks)

    assert pair.notified == ["second"]
    assert pair.held == [True, True]
    assert pair.tasks[0].cancelled()
    assert not pair.condition.locked()


@pytest.mark.on("asyncio")
@pytest.mark.parametrize("times", [1, 2])
async def test_natively_cancelled_while_it_takes_the_lock_back_passes_the_notification_on(times: int) -> None:
    pair = Pair()
    await pair.parked()
    async with pair.condition:
        pair.condition.notify()
        for _ in range(times):
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # it waits for the lock now
            pair.tasks[0].cancel()
        await asyncio.sleep(0)
    await asyncio.wait(pair.tasks)

    assert pair.notified == ["second"]
    assert pair.held == [True, True]
    assert pair.tasks[0].cancelled()
    assert pair.tasks[0].cancelling() == times


@pytest.mark.on("asyncio")
async def test_natively_cancelled_as_the_lock_comes_back_it_takes_it_all_the_same() -> None:
    pair = Pair()
    await pair.parked()
    async with pair.condition:
        pair.condition.notify()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    pair.tasks[0].cancel()  # it has been made the owner in this tick
    await asyncio.wait(pair.tasks)

    assert pair.notified == ["second"]
    assert pair.held == [True, True]


# The lock's owner ends


async def keep_the_lock(condition: Condition) -> None:
    await condition.acquire()


async def test_a_lock_that_cannot_be_taken_back_is_an_error_of_its_own() -> None:
    async def wait() -> None:
        with pytest.raises(BrokenResourceError, match="has ended without releasing"):
            async with condition:
                await condition.wait()

    async def notify_and_end() -> None:
        await condition.acquire()
        condition.notify_all()

    condition = Condition()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        tg.start_soon(notify_and_end)


async def test_when_the_holder_ends_every_waiter_gets_the_error_of_one_notification() -> None:
    async def wait() -> None:
        with pytest.raises(anyio.BrokenResourceError):
            async with condition:
                await condition.wait()

    async def notify_and_end() -> None:
        await condition.acquire()
        condition.notify()

    condition = Condition()
    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(wait)
        await wait_until_blocked()
        tg.start_soon(notify_and_end)
    assert condition.statistics().tasks_waiting == 0


async def test_a_cancellation_is_not_replaced_by_a_broken_lock() -> None:
    async def wait() -> None:
        with scope:
            async with condition:
                await condition.wait()

    condition, scope = Condition(), anyio.CancelScope()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        async with anyio.create_task_group() as inner:
            inner.start_soon(keep_the_lock, condition)
        scope.cancel()
    assert scope.cancelled_caught


@pytest.mark.on("asyncio")
async def test_a_coroutine_that_is_closed_while_it_waits_leaves_the_queue() -> None:
    async def someone_else(coroutine: Any) -> None:
        await condition.acquire()
        coroutine.send(None)
        coroutine.close()

    condition = Condition()
    await asyncio.ensure_future(someone_else(condition.wait()))

    assert condition.statistics().tasks_waiting == 0
    assert not condition.locked()


@pytest.mark.on("asyncio")
async def test_a_coroutine_that_is_closed_while_its_task_owns_the_lock_anew_leaves_it_that() -> None:
    condition = Condition()
    await condition.acquire()
    coroutine = condition.wait()
    coroutine.send(None)
    await condition.acquire()
    coroutine.close()

    assert condition.statistics().tasks_waiting == 0
    assert holds(condition)


@pytest.mark.on("asyncio")
async def test_a_coroutine_that_is_closed_with_a_notification_passes_it_on() -> None:
    async def close_another() -> None:
        await condition.acquire()
        coroutine = condition.wait()
        coroutine.send(None)  # it waits, in the name of this task
        second = asyncio.ensure_future(wait())
        await wait_until_blocked()
        await condition.acquire()
        condition.notify()
        condition.release()
        coroutine.close()
        await second

    async def wait() -> None:
        async with condition:
            await condition.wait()

    condition = Condition()
    await asyncio.wait_for(asyncio.ensure_future(close_another()), 10)
    assert not condition.locked()
