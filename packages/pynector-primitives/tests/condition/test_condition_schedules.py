"""wait() leaves with the lock held, and each notification reaches one who returns."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from pynector.concurrency.primitives import Condition, Lock
from pynector.concurrency.task.lowlevel import current_task
from pynector.concurrency.testing import cancel_everywhere, explore

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])
both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


async def apart(func: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a child in a group of its own: a native cancellation cancels the whole group around it."""
    async with anyio.create_task_group() as tg:
        tg.start_soon(func)


def is_victim(name: str) -> bool:
    return not name.endswith("apart")


def consumers(fast: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def scenario() -> None:
        """Each item is announced by one notification; no item is left while somebody waits for one."""
        lock = Lock(fast_acquire=fast)
        condition, items = Condition(lock), 0

        async def take() -> None:
            nonlocal items
            async with condition:
                while not items:
                    try:
                        await condition.wait()
                    finally:
                        assert lock._lock.owner is current_task()
                items -= 1

        async def use_the_lock() -> None:
            async with lock:
                await anyio.lowlevel.checkpoint()

        async def put() -> None:
            nonlocal items
            for _ in range(2):
                async with condition:
                    items += 1
                    condition.notify()
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tg:
            for func in (take, take, take, use_the_lock, put):
                tg.start_soon(apart, func)
            await anyio.sleep(60)
            waiting = condition.statistics().tasks_waiting
            assert not items or not waiting
            assert not lock.locked()
            tg.cancel_scope.cancel()
        assert not lock.locked()
        assert condition.statistics().tasks_waiting == 0

    return scenario


def turnstile(fast: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def scenario() -> None:
        """All are notified of each turn; when it is quiet, nobody waits for a turn that has come."""
        lock = Lock(fast_acquire=fast)
        condition, turn = Condition(lock), 0
        waiting: list[int] = []

        async def wait() -> None:
            for _ in range(2):
                async with condition:
                    since = turn
                    waiting.append(since)
                    try:
                        while turn == since:
                            await condition.wait()
                    finally:
                        assert lock._lock.owner is current_task()
                        waiting.remove(since)

        async def begin() -> None:
            nonlocal turn
            for _ in range(2):
                async with condition:
                    turn += 1
                    condition.notify_all()
                    await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tg:
            for func in (wait, wait, wait, begin):
                tg.start_soon(apart, func)
            await anyio.sleep(60)
            assert set(waiting) <= {turn}
            assert not lock.locked()
            tg.cancel_scope.cancel()
        assert not lock.locked()
        assert condition.statistics().tasks_waiting == 0

    return scenario


@backends
@both_speeds
def test_no_notification_is_lost_in_any_order(backend: str, fast: bool) -> None:
    explore(consumers(fast), schedules=150, backend=backend).check()


@backends
@both_speeds
def test_no_notification_is_lost_wherever_a_task_is_cancelled(backend: str, fast: bool) -> None:
    cancel_everywhere(consumers(fast), victims=is_victim, orders=3, backend=backend).check()


@both_speeds
def test_no_notification_is_lost_when_scope_and_task_are_cancelled_in_one_tick(fast: bool) -> None:
    cancel_everywhere(consumers(fast), victims=is_victim, faults=["both", "twice"], orders=2).check()


@backends
@both_speeds
def test_no_notification_is_lost_wherever_a_task_is_interrupted(backend: str, fast: bool) -> None:
    cancel_everywhere(
        consumers(fast), victims=is_victim, faults=["interrupt"], orders=2, backend=backend
    ).check()


@backends
@both_speeds
def test_each_waiter_hears_a_notification_of_all_in_any_order(backend: str, fast: bool) -> None:
    explore(turnstile(fast), schedules=150, backend=backend).check()


@backends
@both_speeds
def test_each_waiter_hears_a_notification_of_all_wherever_another_is_cancelled(
    backend: str, fast: bool
) -> None:
    cancel_everywhere(turnstile(fast), victims=is_victim, orders=3, backend=backend).check()


@both_speeds
def test_a_notification_of_all_is_heard_when_scope_and_task_are_cancelled_in_one_tick(fast: bool) -> None:
    cancel_everywhere(turnstile(fast), victims=is_victim, faults=["both", "twice"], orders=2).check()


@backends
@both_speeds
def test_a_notification_of_all_is_heard_wherever_a_task_is_interrupted(backend: str, fast: bool) -> None:
    cancel_everywhere(
        turnstile(fast), victims=is_victim, faults=["interrupt"], orders=2, backend=backend
    ).check()
