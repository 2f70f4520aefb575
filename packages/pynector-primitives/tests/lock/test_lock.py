"""The lock: one owner, handed over in order."""

from collections.abc import Callable

import anyio
import pytest
from anyio import BrokenResourceError, WouldBlock

from pynector.concurrency.primitives import Lock
from pynector.concurrency.task.lowlevel import current_task
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

HELD_ALREADY = (
    "Attempted to acquire an already held Lock; it is not re-entrant: acquire it once, in the outermost call"
)
NOT_THE_OWNER = "The current task is not holding this lock; only its owner may release it"

both_speeds = pytest.mark.parametrize("fast", [False, True], ids=["checkpoint", "fast"])


@both_speeds
async def test_one_task_at_a_time(fast: bool) -> None:
    inside = 0

    async def use() -> None:
        nonlocal inside
        for _ in range(3):
            async with lock:
                inside += 1
                assert inside == 1
                await anyio.lowlevel.checkpoint()
                inside -= 1

    lock = Lock(fast_acquire=fast)
    async with anyio.create_task_group() as tg:
        for _ in range(5):
            tg.start_soon(use)
    assert not lock.locked()


async def test_entering_the_block_gives_none() -> None:
    async with Lock() as entered:
        assert entered is None


async def test_the_block_releases_when_it_fails() -> None:
    lock = Lock()

    with pytest.raises(ValueError, match="body"):
        async with lock:
            raise ValueError("body")
    assert not lock.locked()


async def test_waiters_own_it_in_order_of_arrival() -> None:
    async def use(number: int) -> None:
        async with lock:
            order.append(number)

    lock, order = Lock(), list[int]()
    async with anyio.create_task_group() as tg:
        async with lock:
            for number in range(5):
                tg.start_soon(use, number)
                await wait_until_blocked()
    assert order == [0, 1, 2, 3, 4]


@both_speeds
async def test_release_makes_the_first_waiter_the_owner_at_once(fast: bool) -> None:
    async def use() -> None:
        async with lock:
            pass

    lock = Lock(fast_acquire=fast)
    async with anyio.create_task_group() as tg:
        await lock.acquire()
        tg.start_soon(use, name="waiter")
        await wait_until_blocked()
        lock.release()

        owner = lock.statistics().owner
        assert owner is not None
        assert owner.name == "waiter"
        with pytest.raises(WouldBlock):
            lock.acquire_nowait()


async def test_acquire_nowait_owns_a_free_lock_without_a_checkpoint() -> None:
    lock = Lock()

    with anyio.CancelScope() as scope:  # noqa: ASYNC100
        scope.cancel()
        lock.acquire_nowait()
    assert lock.locked()


async def test_acquire_nowait_refuses_an_owned_lock() -> None:
    async def try_it() -> None:
        with pytest.raises(WouldBlock):
            lock.acquire_nowait()

    lock = Lock()
    async with lock, anyio.create_task_group() as tg:
        tg.start_soon(try_it)


@both_speeds
async def test_the_owner_cannot_acquire_again(fast: bool) -> None:
    lock = Lock(fast_acquire=fast)
    await lock.acquire()

    with pytest.raises(RuntimeError) as caught:
        await lock.acquire()
    assert str(caught.value) == HELD_ALREADY
    with pytest.raises(RuntimeError) as caught:
        lock.acquire_nowait()
    assert str(caught.value) == HELD_ALREADY
    assert lock.statistics().tasks_waiting == 0
    lock.release()


async def test_only_the_owner_may_release() -> None:
    async def release() -> None:
        with pytest.raises(RuntimeError) as caught:
            lock.release()
        assert str(caught.value) == NOT_THE_OWNER

    lock = Lock()
    async with lock, anyio.create_task_group() as tg:
        tg.start_soon(release)
    assert not lock.locked()


async def test_only_the_owner_may_leave_the_block() -> None:
    async def leave() -> None:
        with pytest.raises(RuntimeError) as caught:
            await lock.__aexit__(None, None, None)
        assert str(caught.value) == NOT_THE_OWNER

    lock = Lock()
    async with lock, anyio.create_task_group() as tg:
        tg.start_soon(leave)
    await leave()
    assert not lock.locked()


async def test_a_second_release_is_refused() -> None:
    lock = Lock()
    await lock.acquire()
    lock.release()

    with pytest.raises(RuntimeError) as caught:
        lock.release()
    assert str(caught.value) == NOT_THE_OWNER


async def test_the_core_keeps_the_owner_while_held() -> None:
    lock = Lock()

    async with lock:
        assert lock._lock._owner is not None
    assert lock._lock._owner is None


async def test_statistics_name_the_owner_and_the_waiters() -> None:
    async def hold() -> None:
        async with lock:
            await anyio.sleep_forever()

    lock = Lock()
    empty = lock.statistics()
    assert (empty.locked, empty.owner, empty.tasks_waiting, empty.waiters) == (False, None, 0, ())
    async with anyio.create_task_group() as tg:
        for name in ("owner", "first", "second"):
            tg.start_soon(hold, name=name)
            await wait_until_blocked()

        statistics = lock.statistics()
        assert statistics.locked
        assert statistics.owner is not None
        assert statistics.owner.name == "owner"
        assert statistics.tasks_waiting == 2
        assert [waiter.name for waiter in statistics.waiters] == ["first", "second"]
        assert {waiter.waits_for for waiter in statistics.waiters} == {"Lock"}
        assert {waiter.held_by for waiter in statistics.waiters} == {("owner",)}
        assert isinstance(statistics, anyio.LockStatistics)
        tg.cancel_scope.cancel()


async def test_its_repr_shows_owner_and_waiters() -> None:
    async def hold() -> None:
        async with lock:
            await anyio.sleep_forever()

    lock = Lock()
    assert repr(lock) == "<Lock free, 0 waiting>"
    async with anyio.create_task_group() as tg:
        for _ in range(2):
            tg.start_soon(hold, name="holder")
            await wait_until_blocked()
        assert repr(lock) == "<Lock held by 'holder', 1 waiting>"
        tg.cancel_scope.cancel()


def test_its_repr_works_outside_an_event_loop(anyio_backend_name: str) -> None:
    async def leave_it_held() -> None:
        await lock.acquire()

    lock = Lock()
    anyio.run(leave_it_held, backend=anyio_backend_name)

    assert repr(lock) == "<Lock held, 0 waiting>"
    assert lock.statistics().owner is None


# The end of an owner


async def hold_and_end(lock: Lock) -> None:
    await lock.acquire()


async def broken(acquire: Callable[[], object]) -> None:
    with pytest.raises(BrokenResourceError) as caught:
        await acquire()  # type: ignore[misc]
    assert str(caught.value) == "the task that holds this lock has ended without releasing it"


async def test_who_waits_when_the_owner_ends_gets_an_error() -> None:
    async def hold() -> None:
        await lock.acquire()
        await end.wait()

    lock, end = Lock(), anyio.Event()
    async with anyio.create_task_group() as tg:
        tg.start_soon(hold)
        await wait_until_blocked()
        for _ in range(3):
            tg.start_soon(broken, lock.acquire)
        await wait_until_blocked()
        end.set()
    await broken(lock.acquire)
    assert lock.statistics().tasks_waiting == 0


async def test_who_comes_after_the_owner_ended_gets_an_error() -> None:
    lock = Lock()
    async with anyio.create_task_group() as tg:
        tg.start_soon(hold_and_end, lock)

    await broken(lock.acquire)
    with pytest.raises(WouldBlock):
        lock.acquire_nowait()


async def test_an_owner_by_hand_over_that_ends_breaks_the_lock_too() -> None:
    lock = Lock()
    async with anyio.create_task_group() as tg:
        async with lock:
            tg.start_soon(hold_and_end, lock)
            await wait_until_blocked()
            tg.start_soon(broken, lock.acquire)
            await wait_until_blocked()


async def test_an_owner_that_released_may_end() -> None:
    async def use() -> None:
        async with lock:
            await anyio.lowlevel.checkpoint()

    lock = Lock()
    for _ in range(3):
        async with anyio.create_task_group() as tg:
            for _ in range(3):
                tg.start_soon(use)
    await lock.acquire()
    lock.release()


async def test_the_owner_may_release_after_waiters_were_cancelled() -> None:
    lock = Lock()
    await lock.acquire()
    with anyio.move_on_after(0):
        async with anyio.create_task_group() as tg:
            tg.start_soon(lock.acquire)

    lock.release()
    assert not lock.locked()


@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_an_owner_that_ended_in_a_finished_loop_is_an_error_at_once(
    anyio_backend_name: str, second: str
) -> None:
    lock = Lock()
    anyio.run(hold_and_end, lock, backend=anyio_backend_name)

    with pytest.raises(BrokenResourceError, match="has ended"):
        anyio.run(lock.acquire, backend=second)


@pytest.mark.parametrize("fast_acquire", [False, True])
def test_a_lock_in_which_nobody_waited_serves_one_event_loop_after_another(fast_acquire: bool) -> None:
    lock = Lock(fast_acquire=fast_acquire)

    async def use() -> None:
        for _ in range(2):
            async with lock:
                assert lock._lock._owner is current_task()
        with pytest.raises(RuntimeError, match="not holding"):
            lock.release()

    for backend in ("trio", "asyncio", "trio", "asyncio"):
        anyio.run(use, backend=backend)
