"""What another thread may not do is refused, and then nothing has happened."""

from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest

from pynector.concurrency.task import TaskGroup, TaskHandle, create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Change = Callable[[TaskGroup, TaskHandle[None]], object]


def set_deadline(tg: TaskGroup, _: TaskHandle[None]) -> None:
    tg.cancel_scope.deadline = 0


def set_shield(tg: TaskGroup, _: TaskHandle[None]) -> None:
    tg.cancel_scope.shield = True


CHANGES: dict[str, Change] = {
    "cancel": lambda tg, _: tg.cancel("from afar"),
    "cancel_scope.cancel": lambda tg, _: tg.cancel_scope.cancel(),
    "cancel_scope.deadline": set_deadline,
    "cancel_scope.shield": set_shield,
    "handle.cancel": lambda _, handle: handle.cancel(),
    "start_soon": lambda tg, _: tg.start_soon(anyio.sleep, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_group_is_changed_in_its_own_thread_alone(change: Change) -> None:
    with anyio.CancelScope() as outer:
        async with create_task_group() as tg:
            handle = tg.create_task(anyio.sleep_forever())
            await wait_until_blocked()
            before = tg.cancel_scope.deadline

            with pytest.raises(RuntimeError, match=r"TaskGroup: .* in thread .*; it belongs to .*MainThread"):
                await anyio.to_thread.run_sync(change, tg, handle)

            assert (tg.cancel_reason, tg.cancel_scope.cancel_called) == (None, False)
            assert (tg.cancel_scope.shield, tg.cancel_scope.deadline) == (False, before)
            assert handle.status is TaskHandle.Status.PENDING
            outer.cancel()

    assert outer.cancelled_caught  # a cancellation from outside gets through


async def test_a_refused_cancellation_leaves_the_next_one_its_effect() -> None:
    async with create_task_group() as tg:
        tg.start_soon(anyio.sleep_forever)
        await wait_until_blocked()
        with pytest.raises(RuntimeError):
            await anyio.to_thread.run_sync(tg.cancel)

        tg.cancel("from here")

    assert tg.cancel_reason == "from here"
