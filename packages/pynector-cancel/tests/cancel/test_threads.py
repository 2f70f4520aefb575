"""What another thread may not do to a scope is refused, and then nothing has happened."""

import time
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest

from pynector.concurrency.cancel import CancelScope, fail_after, move_on_after

pytestmark = pytest.mark.anyio


def set_deadline(scope: CancelScope) -> None:
    scope.deadline = None


def set_shield(scope: CancelScope) -> None:
    scope.shield = True


CHANGES: dict[str, Callable[[CancelScope], object]] = {
    "cancel": CancelScope.cancel,
    "deadline": set_deadline,
    "shield": set_shield,
}


MAKERS: dict[str, Callable[[], CancelScope]] = {
    "CancelScope": lambda: CancelScope(deadline=time.time() + 60),
    "move_on_after": lambda: move_on_after(60),
    "fail_after": lambda: fail_after(60),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
async def test_a_scope_is_changed_in_its_own_thread_alone(
    make: Callable[[], CancelScope], change: Callable[[CancelScope], object]
) -> None:
    with anyio.CancelScope() as outer, make() as scope:
        before = scope.deadline
        with pytest.raises(RuntimeError, match=r"in thread .*; it belongs to .*'MainThread'"):
            await anyio.to_thread.run_sync(change, scope)

        assert (scope.cancel_called, scope.cancel_reason) == (False, None)
        assert (scope.deadline, scope.shield) == (before, False)
        outer.cancel()
        await anyio.sleep_forever()

    assert outer.cancelled_caught  # a cancellation from outside gets through


async def test_a_scope_that_was_not_entered_belongs_to_no_thread() -> None:
    scope = CancelScope()

    await anyio.to_thread.run_sync(scope.cancel)

    with scope:
        await anyio.sleep_forever()
    assert scope.cancelled_caught
