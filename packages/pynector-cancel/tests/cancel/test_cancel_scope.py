"""A scope can be cancelled before, in and from outside its block, and tells what became of it."""

import math

import anyio
import anyio.lowlevel
import pytest
from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def cancel_when_blocked(scope: CancelScope, reason: str | None = None) -> None:
    await wait_until_blocked()
    scope.cancel(reason)


async def test_cancel_in_the_block_ends_it_at_the_next_checkpoint() -> None:
    with CancelScope() as scope:
        scope.cancel()
        reached = True
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert reached
    assert scope.cancelled_caught


async def test_cancel_from_outside_ends_the_block() -> None:
    async with anyio.create_task_group() as tg:
        with CancelScope() as scope:
            tg.start_soon(cancel_when_blocked, scope)
            await anyio.sleep_forever()

    assert scope.cancelled_caught


async def test_cancel_before_the_block_ends_it_when_it_is_entered() -> None:
    scope = CancelScope()
    scope.cancel("changed my mind")
    assert scope.cancel_called

    with scope:
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert scope.cancelled_caught
    assert scope.cancel_reason == "changed my mind"


async def test_a_cancelled_block_is_cancelled_at_each_checkpoint_that_follows() -> None:
    caught = 0

    with CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            try:
                await anyio.lowlevel.checkpoint()
            except get_cancelled_exc_class():
                caught += 1
        await anyio.lowlevel.checkpoint()

    assert caught == 3


async def test_cancelled_caught_is_false_in_the_block_and_true_after_it() -> None:
    with CancelScope() as scope:
        scope.cancel()
        assert not scope.cancelled_caught

    assert scope.cancelled_caught


async def test_cancelled_caught_is_false_if_the_block_was_not_cancelled() -> None:
    with CancelScope() as scope:
        await anyio.lowlevel.checkpoint()

    assert not scope.cancelled_caught
    assert not scope.cancel_called


async def test_cancelled_caught_is_false_if_the_block_raised_something_else() -> None:
    with pytest.raises(ValueError, match="of the block"), CancelScope() as scope:
        scope.cancel()
        raise ValueError("of the block")

    assert not scope.cancelled_caught


async def test_cancelled_caught_is_false_if_only_a_deadline_passed_and_nothing_was_interrupted() -> None:
    with move_on_after(0) as scope:
        pass

    assert not scope.cancelled_caught


async def test_cancelled_caught_is_false_for_the_cancellation_of_a_scope_around() -> None:
    with CancelScope() as outer, CancelScope() as inner:
        outer.cancel()
        await anyio.lowlevel.checkpoint()

    assert outer.cancelled_caught
    assert not inner.cancelled_caught


async def test_cancel_after_the_block_changes_nothing_in_it() -> None:
    with CancelScope() as scope:
        pass

    scope.cancel()
    await anyio.lowlevel.checkpoint()

    assert not scope.cancelled_caught


async def test_the_reason_can_be_read_back_and_stands_in_the_cancellation() -> None:
    with CancelScope() as scope:
        scope.cancel("enough is enough")
        with pytest.raises(get_cancelled_exc_class(), match="enough is enough"):
            await anyio.lowlevel.checkpoint()

    assert scope.cancel_reason == "enough is enough"


async def test_a_second_cancel_changes_nothing() -> None:
    with CancelScope() as scope:
        scope.cancel("first")
        scope.cancel("second")

    assert scope.cancel_reason == "first"


async def test_the_reason_of_a_deadline_tells_so() -> None:
    with move_on_after(0.01) as scope:
        assert scope.cancel_reason is None
        await anyio.sleep_forever()

    assert scope.cancel_reason == "deadline exceeded"


async def test_a_cancel_after_the_deadline_leaves_its_reason() -> None:
    with move_on_after(0.001) as scope:
        try:
            await anyio.sleep_forever()
        finally:
            scope.cancel("too late")

    assert scope.cancel_reason == "deadline exceeded"


async def test_a_scope_is_entered_once() -> None:
    with CancelScope() as scope:
        pass

    with pytest.raises(RuntimeError) as refusal, scope:
        pytest.fail("entered twice")
    assert str(refusal.value) == "cancel scope was entered before; make a new one for each block"


async def test_a_scope_that_is_entered_cannot_be_entered() -> None:
    with CancelScope() as scope:
        with pytest.raises(RuntimeError, match="entered before"), scope:
            pytest.fail("entered twice")


async def test_leaving_a_scope_that_was_not_entered_is_refused() -> None:
    with pytest.raises(RuntimeError) as refusal:
        CancelScope().__exit__(None, None, None)

    assert str(refusal.value) == "cancel scope was not entered; use it in a 'with' statement"


def test_a_scope_may_be_made_and_cancelled_where_no_event_loop_runs() -> None:
    scope = CancelScope()
    scope.cancel()

    assert scope.cancel_called
    assert scope.deadline == math.inf


async def test_a_shield_keeps_cancellations_from_outside_out() -> None:
    with CancelScope() as outer:
        with CancelScope(shield=True) as inner:
            outer.cancel()
            await anyio.lowlevel.checkpoint()
            reached = True
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert reached
    assert inner.shield
    assert not inner.cancelled_caught


async def test_a_shield_may_be_set_before_and_in_the_block() -> None:
    scope = CancelScope()
    scope.shield = True

    with CancelScope() as outer:
        outer.cancel()
        with scope:
            await anyio.lowlevel.checkpoint()
            assert scope.shield
            scope.shield = False
            with pytest.raises(get_cancelled_exc_class()):
                await anyio.lowlevel.checkpoint()


async def test_a_shielded_scope_can_be_cancelled_itself() -> None:
    with CancelScope(shield=True) as scope:
        scope.cancel()
        await anyio.lowlevel.checkpoint()
        pytest.fail("not cancelled")

    assert scope.cancelled_caught


async def test_repr_tells_state_reason_deadline_and_shield() -> None:
    scope = CancelScope(shield=True)
    assert repr(scope) == "<CancelScope new, deadline inf, shielded>"

    with scope:
        assert repr(scope) == "<CancelScope entered, deadline inf, shielded>"
        scope.cancel("enough")
    assert repr(scope) == "<CancelScope cancelled: enough, deadline inf, shielded>"
