"""Scenarios of the primitives: each uses a fresh object from a few tasks, and asserts what must hold."""

import anyio
from anyio import WouldBlock, get_cancelled_exc_class, get_current_task

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Semaphore
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, checkpoint


class Inside:
    """Counts who is inside, and who was at the same time."""

    def __init__(self, limit: float) -> None:
        self.now = 0
        self.limit = limit

    async def stay(self) -> None:
        self.now += 1
        assert self.now <= self.limit, f"{self.now} inside, {self.limit} allowed"
        try:
            await checkpoint()
        finally:
            self.now -= 1


async def lock_has_one_owner() -> None:
    lock, inside = Lock(), Inside(1)

    async def user() -> None:
        for _ in range(2):
            async with lock:
                await inside.stay()

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(user)
    assert not lock.locked()
    lock.acquire_nowait()
    lock.release()


async def fast_lock_has_one_owner() -> None:
    lock, inside = Lock(fast_acquire=True), Inside(1)

    async def user() -> None:
        for _ in range(2):
            async with lock:
                await inside.stay()

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(user)
    assert not lock.locked()


async def lock_is_served_in_order() -> None:
    lock = Lock()
    arrived: list[int] = []
    served: list[int] = []

    async def user(number: int) -> None:
        await checkpoint()
        arrived.append(number)
        async with lock:
            served.append(number)

    async with create_task_group() as tg:
        async with lock:
            for number in range(4):
                tg.start_soon(user, number)
            for _ in range(3):
                await checkpoint()
    left = [number for number in arrived if number in served]
    assert served == left, f"served {served}, arrived {left}"


async def ended_owner_breaks_the_lock() -> None:
    lock = Lock()
    outcomes: list[str] = []

    async def owner() -> None:
        await lock.acquire()
        await checkpoint()

    async def user() -> None:
        await checkpoint()
        try:
            async with lock:
                outcomes.append("owned")
        except anyio.BrokenResourceError:
            outcomes.append("broken")

    async with create_task_group() as tg:
        tg.start_soon(owner)
        for _ in range(2):
            tg.start_soon(user)
    assert len(lock.statistics().waiters) == 0


async def semaphore_keeps_its_places() -> None:
    places, inside = Semaphore(2), Inside(2)

    async def user() -> None:
        async with places:
            await inside.stay()

    async with create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(user)
    assert places.value == 2
    assert not places.statistics().tasks_waiting


async def semaphore_lets_nobody_overtake() -> None:
    places = Semaphore(1)

    async def user() -> None:
        async with places:
            await checkpoint()

    async def prober() -> None:
        for _ in range(4):
            waiting = places.statistics().waiters
            try:
                places.acquire_nowait()
            except WouldBlock:
                pass
            else:
                assert not waiting, f"overtook {waiting}"
                places.release()
            await checkpoint()

    async with create_task_group() as tg:
        for _ in range(2):
            tg.start_soon(user)
        tg.start_soon(prober)
    assert places.value == 1


async def limiter_keeps_its_tokens() -> None:
    limiter = CapacityLimiter(1)
    inside = Inside(3)

    async def user() -> None:
        async with limiter:
            assert limiter.borrowed_tokens <= 3
            await inside.stay()

    async def resizer() -> None:
        for total in 3, 1, 2:
            before = limiter.borrowed_tokens
            limiter.total_tokens = total
            assert limiter.borrowed_tokens <= max(before, total)
            await checkpoint()

    async with create_task_group() as tg:
        for _ in range(4):
            tg.start_soon(user)
        tg.start_soon(resizer)
    assert limiter.borrowed_tokens == 0
    assert limiter.statistics().borrowers == ()


async def limiter_lends_one_to_a_borrower() -> None:
    limiter = CapacityLimiter(1)

    async def user(borrower: str) -> None:
        await limiter.acquire_on_behalf_of(borrower)
        try:
            await checkpoint()
        finally:
            limiter.release_on_behalf_of(borrower)

    async with create_task_group() as tg:
        for borrower in "abc":
            tg.start_soon(user, borrower)
    assert limiter.available_tokens == 1
    await limiter.acquire_on_behalf_of("a")
    limiter.release_on_behalf_of("a")


async def event_wakes_all() -> None:
    event = Event()
    woken = 0

    async def waiter() -> None:
        nonlocal woken
        await event.wait()
        woken += 1

    async def setter() -> None:
        await checkpoint()
        event.set()

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(waiter)
        tg.start_soon(setter)
        with anyio.CancelScope(shield=True):
            await checkpoint()
        event.set()
    assert not event.statistics().tasks_waiting


async def condition_leaves_with_the_lock() -> None:
    condition = Condition()
    given = 0
    items = 0
    taken = 0

    async def taker() -> None:
        nonlocal items, taken
        async with condition:
            while not items:
                try:
                    await condition.wait()
                finally:
                    assert condition.statistics().lock_statistics.owner == get_current_task()
            items -= 1
            taken += 1

    async def giver() -> None:
        nonlocal given, items
        for _ in range(3):
            async with condition:
                given += 1
                items += 1
                condition.notify()

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(taker)
        await giver()
        with move_on_after(1):
            await anyio.sleep(2)
        tg.cancel("enough")
    assert items + taken == given
    assert not condition.locked()


async def notification_is_not_lost() -> None:
    """One notification, two who wait: if one of them is cancelled, the other one gets it."""
    condition = Condition()
    notified = 0
    cancelled = 0

    async def waiter() -> None:
        nonlocal notified, cancelled
        try:
            async with condition:
                await condition.wait()
        except get_cancelled_exc_class():
            cancelled += 1
            raise
        notified += 1

    async with create_task_group() as tg:
        for _ in range(2):
            tg.start_soon(waiter)
        await anyio.sleep(1)
        async with condition:
            waiting = condition.statistics().tasks_waiting
            condition.notify()
            await checkpoint()  # who was notified can be cancelled before the lock comes to it
        await anyio.sleep(1)
        assert notified >= min(1, waiting - cancelled), f"{waiting} waited, {cancelled} cancelled"
        tg.cancel()


async def parking_lot_loses_no_value() -> None:
    lot: ParkingLot[int] = ParkingLot("values")
    made: list[int] = []
    kept: list[int] = []
    got: list[int] = []

    def keep(value: int) -> None:
        if lot.unpark(value) is None:
            kept.append(value)

    async def taker() -> None:
        got.append(await lot.park(keep))

    async with create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(taker)
        await anyio.sleep(1)
        for value in range(3):
            made.append(value)
            keep(value)
            await checkpoint()
    assert sorted(kept + got) == made


SCENARIOS = (
    lock_has_one_owner,
    fast_lock_has_one_owner,
    lock_is_served_in_order,
    ended_owner_breaks_the_lock,
    semaphore_keeps_its_places,
    semaphore_lets_nobody_overtake,
    limiter_keeps_its_tokens,
    limiter_lends_one_to_a_borrower,
    event_wakes_all,
    condition_leaves_with_the_lock,
    notification_is_not_lost,
    parking_lot_loses_no_value,
)
