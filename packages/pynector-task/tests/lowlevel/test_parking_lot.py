"""A parking lot wakes tasks in order of arrival, and hands each one a value."""

from collections.abc import Callable

import anyio
import pytest

from pynector.concurrency.task.lowlevel import ParkingLot, Waiter, current_task
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


class Ward:
    """Tasks parked in one lot, and what became of each."""

    def __init__(self) -> None:
        self.lot: ParkingLot[str] = ParkingLot("Ward")
        self.log: list[tuple[str, str]] = []
        self.given_back: list[str] = []

    async def wait(self, name: str, *, scope: anyio.CancelScope | None = None) -> None:
        with scope or anyio.CancelScope():
            self.log.append((name, await self.lot.park(self.given_back.append)))

    async def fill(self, tg: anyio.abc.TaskGroup, *names: str) -> None:
        for name in names:
            tg.start_soon(self.wait, name, name=name)
            await wait_until_blocked()


async def test_unpark_hands_its_value_to_the_task_that_came_first() -> None:
    ward = Ward()

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first", "second", "third")
        for value in ("red", "green", "blue"):
            ward.lot.unpark(value)

    assert sorted(ward.log) == [("first", "red"), ("second", "green"), ("third", "blue")]


async def test_unpark_gives_the_task_it_woke() -> None:
    async def wait() -> None:
        tasks.append(current_task())
        await lot.park(lambda _: None)

    lot: ParkingLot[None] = ParkingLot("test")
    tasks: list[object] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        await wait_until_blocked()
        assert lot.unpark(None) is tasks[0]


async def test_its_queue_is_empty_while_nobody_waits() -> None:
    ward = Ward()
    assert not ward.lot.queue

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first")
        assert ward.lot.queue
        ward.lot.unpark("red")
        assert not ward.lot.queue
        await ward.fill(tg, "second")
        tg.cancel_scope.cancel()
    assert not ward.lot.queue


async def test_move_first_lets_the_first_wait_in_another_lot_by_the_same_ticket() -> None:
    async def wait(name: str) -> None:
        waiter = lot.enqueue()
        waiters.append(waiter)
        woken.append((name, await waiter))

    async def leave() -> None:
        waiter = lot.enqueue()
        with anyio.CancelScope() as scope:
            scope.cancel()
            try:
                await waiter
            finally:
                lot.abort(waiter, lambda _: None)

    other: ParkingLot[str] = ParkingLot("other")
    lot: ParkingLot[str] = ParkingLot("test", same_loop_as=other)
    waiters, woken = list[object](), list[tuple[str, str]]()
    async with anyio.create_task_group() as tg:
        for name in ("first", "second", "third"):
            tg.start_soon(wait, name)
            await wait_until_blocked()
        await leave()
        assert lot.move_first(other) is waiters[0]
        assert lot.move_first(other) is waiters[1]
        assert (len(lot), len(other)) == (1, 2)
        lot.unpark("red")
        assert lot.move_first(other) is None
        for value in ("green", "blue"):
            await wait_until_blocked()
            other.unpark(value)
    assert woken == [("third", "red"), ("first", "green"), ("second", "blue")]


async def test_wake_wakes_one_out_of_turn() -> None:
    async def wait(name: str) -> None:
        waiter = lot.enqueue()
        waiters[name] = waiter
        try:
            woken.append((name, await waiter))
        except BaseException:
            lot.abort(waiter, lambda _: None)
            raise

    lot: ParkingLot[str] = ParkingLot("test")
    waiters, woken, left = dict[str, Waiter](), list[tuple[str, str]](), list[int]()
    async with anyio.create_task_group() as tg:
        for name in ("first", "second", "third", "fourth", "fifth"):
            tg.start_soon(wait, name)
            await wait_until_blocked()
        for name, value in (("third", "red"), ("first", "green"), ("third", "black")):
            lot.wake(waiters[name], value)
            await wait_until_blocked()
            left.append(len(lot))
        lot.unpark("blue")
        await wait_until_blocked()
        lot.wake(waiters["fifth"], "white")
        await wait_until_blocked()
        left.append(len(lot))
        tg.cancel_scope.cancel()

    assert woken == [("third", "red"), ("first", "green"), ("second", "blue"), ("fifth", "white")]
    assert left == [4, 3, 3, 1]
    assert not lot.queue


async def test_unpark_gives_none_if_nobody_waits() -> None:
    ward = Ward()
    assert ward.lot.unpark("never parked in") is None

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "one")
        ward.lot.unpark("value")
        assert ward.lot.unpark("empty again") is None


async def test_unpark_only_wakes_one() -> None:
    ward = Ward()

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first", "second")
        ward.lot.unpark("value")
        await wait_until_blocked()
        assert ward.log == [("first", "value")]
        tg.cancel_scope.cancel()


async def test_park_is_a_checkpoint_even_if_the_value_comes_at_once() -> None:
    ward = Ward()

    with anyio.CancelScope() as scope:
        scope.cancel()
        await ward.wait("late", scope=anyio.CancelScope())

    assert ward.log == []
    assert len(ward.lot) == 0


async def test_a_task_that_is_cancelled_leaves_the_queue() -> None:
    ward = Ward()
    scope = anyio.CancelScope()

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first")
        tg.start_soon(lambda: ward.wait("second", scope=scope))
        await wait_until_blocked()
        await ward.fill(tg, "third")
        scope.cancel()
        await wait_until_blocked()
        assert len(ward.lot) == 2
        ward.lot.unpark("red")
        ward.lot.unpark("green")

    assert sorted(ward.log) == [("first", "red"), ("third", "green")]
    assert ward.given_back == []


async def test_a_task_whose_scope_is_cancelled_in_the_tick_of_its_grant_loses_nothing() -> None:
    ward = Ward()
    scope = anyio.CancelScope()

    async with anyio.create_task_group() as tg:
        tg.start_soon(lambda: ward.wait("victim", scope=scope))
        await wait_until_blocked()
        ward.lot.unpark("value")
        scope.cancel()

    got = [value for _, value in ward.log]
    assert got + ward.given_back == ["value"]


async def test_a_task_whose_scope_is_cancelled_just_before_unpark_loses_nothing() -> None:
    ward = Ward()
    scope = anyio.CancelScope()

    async with anyio.create_task_group() as tg:
        tg.start_soon(lambda: ward.wait("victim", scope=scope))
        await wait_until_blocked()
        await ward.fill(tg, "next")
        scope.cancel()
        ward.lot.unpark("value")
        await wait_until_blocked()
        tg.cancel_scope.cancel()

    got = [value for _, value in ward.log]
    assert got + ward.given_back == ["value"]


async def test_unpark_all_hands_its_value_to_all_and_gives_their_number() -> None:
    ward = Ward()
    assert ward.lot.unpark_all("nobody") == 0

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first", "second", "third")
        assert ward.lot.unpark_all("value") == 3
        assert len(ward.lot) == 0

    assert sorted(ward.log) == [("first", "value"), ("second", "value"), ("third", "value")]


async def test_those_that_are_cancelled_neither_count_nor_change_the_order() -> None:
    ward = Ward()
    scopes = [anyio.CancelScope() for _ in range(10)]

    async with anyio.create_task_group() as tg:
        for number, scope in enumerate(scopes):
            tg.start_soon(lambda number=number, scope=scope: ward.wait(str(number), scope=scope))
            await wait_until_blocked()
        for number in (0, 9, 4, 5, 1, 8, 2):
            scopes[number].cancel()
            await wait_until_blocked()
        assert len(ward.lot) == len(ward.lot.tasks()) == len(ward.lot.parked()) == 3
        for value in ("red", "green", "blue"):
            ward.lot.unpark(value)

    assert sorted(ward.log) == [("3", "red"), ("6", "green"), ("7", "blue")]


async def test_a_hot_path_may_wait_for_its_ticket_itself() -> None:
    async def wait(scope: anyio.CancelScope) -> None:
        with scope:
            waiter = lot.enqueue()
            try:
                got.append(await waiter)
            except BaseException:
                lot.abort(waiter, got.append)
                raise

    lot: ParkingLot[str] = ParkingLot("test")
    got: list[str] = []
    scope = anyio.CancelScope()
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait, scope)
        tg.start_soon(wait, anyio.CancelScope())
        await wait_until_blocked()
        scope.cancel()
        await wait_until_blocked()
        assert len(lot) == 1
        lot.check_loop("waking")
        assert lot.wake_first("value") is not None

    assert got == ["value"]


async def test_fail_all_raises_in_each_task_an_error_of_its_own() -> None:
    async def wait() -> None:
        with pytest.raises(OSError, match="closed") as caught:
            await lot.park(lambda _: None)
        errors.append(caught.value)

    lot: ParkingLot[None] = ParkingLot("test")
    errors: list[OSError] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(wait)
        tg.start_soon(wait)
        await wait_until_blocked()
        lot.fail_all(lambda: OSError("closed"))
        assert len(lot) == 0

    assert len({id(error) for error in errors}) == 2


async def test_fail_all_of_an_empty_lot_does_nothing() -> None:
    lot: ParkingLot[None] = ParkingLot("test")
    make_error: Callable[[], BaseException] = lambda: pytest.fail("nobody to fail")  # noqa: E731

    lot.fail_all(make_error)
    async with anyio.create_task_group() as tg:
        tg.start_soon(lot.park, lambda _: None)
        await wait_until_blocked()
        lot.unpark(None)
    lot.fail_all(make_error)


async def test_fail_all_meets_a_task_that_is_cancelled_in_the_same_tick() -> None:
    ward = Ward()
    scope = anyio.CancelScope()

    async with anyio.create_task_group() as tg:
        tg.start_soon(lambda: ward.wait("victim", scope=scope))
        await wait_until_blocked()
        scope.cancel()
        ward.lot.fail_all(lambda: OSError("closed"))

    assert scope.cancelled_caught
    assert ward.given_back == []


async def test_len_first_and_tasks_tell_who_waits() -> None:
    ward = Ward()
    assert len(ward.lot) == 0
    assert ward.lot.first() is None
    assert ward.lot.tasks() == ()

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "first", "second")
        tasks = ward.lot.tasks()
        assert len(ward.lot) == len(tasks) == 2
        assert ward.lot.first() is tasks[0]
        assert ward.lot.unpark("red") is tasks[0]
        assert ward.lot.unpark("green") is tasks[1]


async def test_repr_tells_what_it_is_for_and_how_many_wait() -> None:
    ward = Ward()

    async with anyio.create_task_group() as tg:
        await ward.fill(tg, "one")
        assert repr(ward.lot) == "<ParkingLot of Ward, 1 waiting>"
        ward.lot.unpark("value")

    assert repr(ward.lot) == "<ParkingLot of Ward, 0 waiting>"
