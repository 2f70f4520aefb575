"""What `WorkerPool` promises of starting, stopping, resizing and wrong use."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import ItemStatus, WorkerPool, WorkerPoolStatistics
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

_variable: ContextVar[int] = ContextVar("variable")

Backend = tuple[str, dict[str, Any]]


class Gate:
    """A worker function that lets nothing through until it is opened."""

    def __init__(self) -> None:
        self.begun: list[object] = []
        self.ended: list[object] = []
        self.open = anyio.Event()

    async def __call__(self, item: object) -> object:
        self.begun.append(item)
        await self.open.wait()
        self.ended.append(item)
        return item


async def double(number: int) -> int:
    await checkpoint()
    return 2 * number


async def fail(item: object) -> None:
    raise ValueError(item)


async def test_new_pool_takes_no_item() -> None:
    pool = WorkerPool(1, double)

    with pytest.raises(RuntimeError, match=r"^worker pool is not started; use it with 'async with', or call"):
        await pool.submit(1)
    with pytest.raises(RuntimeError, match=r"^worker pool is not started"):
        pool.submit_nowait(1)
    assert await pool.stop() == []
    assert repr(pool) == "<WorkerPool new, 0 running, 0 queued>"


async def test_pool_is_started_once() -> None:
    pool = WorkerPool(1, double)
    await pool.start()

    with pytest.raises(RuntimeError, match=r"^worker pool is running; a pool is started once$"):
        await pool.start()
    await pool.stop()
    with pytest.raises(RuntimeError, match=r"^worker pool is stopped; a pool is started once$"):
        await pool.start()
    with pytest.raises(RuntimeError, match=r"^worker pool is stopped; a pool is started once$"):
        await pool.__aenter__()


async def test_stopped_pool_takes_no_item() -> None:
    async with WorkerPool(1, double) as pool:
        await pool.submit(1)
    await pool.stop()

    with pytest.raises(anyio.ClosedResourceError, match=r"^worker pool is stopped; it takes no more items$"):
        await pool.submit(1)
    with pytest.raises(anyio.ClosedResourceError, match=r"^worker pool is stopped; it takes no more items$"):
        pool.submit_nowait(1)
    assert repr(pool) == "<WorkerPool stopped, 0 running, 0 queued>"


async def test_stop_wakes_those_who_wait_for_room() -> None:
    gate = Gate()
    told: list[str] = []

    async def submit() -> None:
        try:
            await pool.submit(3)
        except anyio.ClosedResourceError as error:
            told.append(str(error))

    pool = WorkerPool(1, gate, max_queue=1)
    await pool.start()
    await pool.submit(1)
    await wait_until_blocked()
    await pool.submit(2)
    async with anyio.create_task_group() as tg:
        tg.start_soon(submit)
        await wait_until_blocked()
        tg.start_soon(pool.stop)
        await wait_until_blocked()
        assert told == ["worker pool is stopped; it takes no more items"]
        gate.open.set()

    assert gate.begun == [1, 2]


@pytest.mark.virtual_time
async def test_stop_with_grace_cancels_and_gives_what_was_not_done() -> None:
    gate = Gate()
    pool = WorkerPool(2, gate)
    await pool.start()
    handles = [await pool.submit(number) for number in range(5)]
    await wait_until_blocked()

    undone = await pool.stop(grace=0.01)

    assert sorted(undone[:2]) == [0, 1]  # those that had begun come first
    assert undone[2:] == [2, 3, 4]
    assert gate.begun == [0, 1]
    assert gate.ended == []
    assert pool.unprocessed == undone
    assert {handle.status for handle in handles} == {ItemStatus.CANCELLED}
    with pytest.raises(anyio.TaskCancelled, match=r"^item 0 was cancelled$"):
        await handles[0]


async def test_stop_with_grace_gives_nothing_if_all_is_done_in_time() -> None:
    pool = WorkerPool(2, double)
    await pool.start()
    handles = [await pool.submit(number) for number in range(5)]

    assert await pool.stop(grace=5) == []
    assert [handle.return_value for handle in handles] == [0, 2, 4, 6, 8]


async def test_leaving_the_block_with_grace_cancels_what_is_not_done_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    async with WorkerPool(2, gate, grace=0.01) as pool:
        handles = [await pool.submit(number) for number in range(3)]
        await wait_until_blocked()

    assert gate.ended == []
    assert sorted(pool.unprocessed) == [0, 1, 2]
    assert {handle.status for handle in handles} == {ItemStatus.CANCELLED}
    assert [record.message for record in caplog.records] == [
        "worker pool: 3 items were cancelled 0.01 s after its block was left; see WorkerPool.unprocessed"
    ]


async def test_leaving_the_block_with_grace_finishes_what_is_done_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with WorkerPool(2, double, grace=3600) as pool:
        handles = [await pool.submit(number) for number in range(5)]

    assert [handle.return_value for handle in handles] == [0, 2, 4, 6, 8]
    assert not caplog.records


async def test_grace_is_no_reason_to_wait_when_the_block_is_cancelled() -> None:
    gate = Gate()
    pool = WorkerPool(1, gate, grace=3600)
    with anyio.CancelScope() as scope, anyio.fail_after(60):
        async with anyio.create_task_group() as tg:
            async with pool:
                await pool.submit(1)
                await wait_until_blocked()

                async def cancel_later() -> None:
                    await wait_until_blocked()
                    scope.cancel()

                tg.start_soon(cancel_later)

    assert scope.cancelled_caught
    assert pool.unprocessed == [1]


async def test_stop_takes_the_grace_of_the_pool_unless_it_has_its_own() -> None:
    gate = Gate()
    pools = WorkerPool(1, gate, grace=0), WorkerPool(1, gate, grace=3600)
    for pool, grace in zip(pools, (None, 0), strict=True):
        await pool.start()
        await pool.submit(1)
        await wait_until_blocked()
        assert await pool.stop(grace) == [1]


async def test_what_is_no_exception_leaves_the_block_also_while_it_is_left_with_grace() -> None:
    may_panic = anyio.Event()

    async def work(number: int) -> None:
        await may_panic.wait()
        await panic(number)

    async def allow() -> None:
        await wait_until_blocked()
        may_panic.set()

    async with anyio.create_task_group() as tg:
        with pytest.raises(Panic):
            async with WorkerPool(1, work, grace=3600) as pool:
                await pool.submit(1)
                tg.start_soon(allow)


async def test_what_is_no_exception_in_on_error_leaves_the_block() -> None:
    def complain(item: object, error: Exception) -> None:
        raise Panic

    with pytest.raises(Panic):
        async with WorkerPool(1, fail, on_error=complain) as pool:
            await pool.submit(1)
            await anyio.sleep_forever()


async def test_stop_inside_the_block_ends_the_pool() -> None:
    async with WorkerPool(1, double) as pool:
        handle = await pool.submit(1)
        assert await pool.stop() == []
        assert handle.return_value == 2
        with pytest.raises(anyio.ClosedResourceError):
            await pool.submit(2)


async def test_stop_from_several_tasks_ends_once() -> None:
    gate = Gate()
    pool = WorkerPool(1, gate)
    await pool.start()
    await pool.submit(1)

    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(pool.stop)
        await wait_until_blocked()
        gate.open.set()

    assert gate.ended == [1]


@pytest.mark.virtual_time
async def test_cancelled_stop_may_be_called_again() -> None:
    gate = Gate()
    pool = WorkerPool(1, gate)
    await pool.start()
    await pool.submit(1)

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(pool.stop)
            await wait_until_blocked()
            scope.cancel()
    gate.open.set()

    assert await pool.stop() == []
    assert gate.ended == [1]


@pytest.mark.parametrize("method", ["stop", "join"])
async def test_waiting_for_all_items_from_inside_one_is_an_error(method: str) -> None:
    async def work(_: int) -> None:
        await getattr(pool, method)()

    async with WorkerPool(1, work) as pool:
        handle = await pool.submit(1)
        with pytest.raises(RuntimeError, match=rf"^worker pool: {method}\(\) called by one of its items; it"):
            await handle


async def test_first_error_cancels_the_pool_on_request() -> None:
    gate = Gate()

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        await gate(number)

    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(2, work, on_error="cancel") as pool:
            for number in range(5):
                await pool.submit(number)
            await wait_until_blocked()
            with pytest.raises(anyio.ClosedResourceError) as refused:
                await pool.submit(5)

    assert isinstance(refused.value.__cause__, ValueError)
    assert [str(error) for error in caught.value.exceptions] == ["one"]
    assert pool.unprocessed == [0, 2, 3, 4]


async def test_on_error_is_called_with_item_and_error_and_stopping_raises_nothing() -> None:
    told: list[tuple[object, str]] = []

    async with WorkerPool(1, fail, on_error=lambda item, error: told.append((item, str(error)))) as pool:
        await pool.submit(1)
        await pool.submit(2)

    assert told == [(1, "1"), (2, "2")]


async def test_error_of_on_error_is_raised_by_stopping() -> None:
    def complain(item: object, error: Exception) -> None:
        raise KeyError(item)

    with pytest.raises(ExceptionGroup) as caught:
        async with WorkerPool(1, fail, on_error=complain) as pool:
            await pool.submit(1)

    (error,) = caught.value.exceptions
    assert isinstance(error, KeyError)
    assert isinstance(error.__context__, ValueError)


class Panic(BaseException):
    """No error of an item, but the end of everything."""


async def panic(_: int) -> None:
    await checkpoint()
    raise Panic


async def test_what_is_no_exception_leaves_the_block_and_cancels_the_rest() -> None:
    with pytest.raises(Panic):
        async with WorkerPool(1, panic) as pool:
            handles = [await pool.submit(number) for number in range(2)]
            await anyio.sleep_forever()

    assert [handle.status.value for handle in handles] == ["failed", "cancelled"]
    assert pool.unprocessed == [1]


async def test_what_is_no_exception_is_logged_when_it_happens_and_raised_by_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool = WorkerPool(1, panic)
    await pool.start()
    handle = await pool.submit(0)
    await handle.wait()
    await wait_until_blocked()

    (record,) = caplog.records
    assert record.message.startswith("a worker pool was cancelled by ")
    assert record.message.endswith("Panic")
    with pytest.raises(Panic):
        await pool.stop()
    with pytest.raises(anyio.ClosedResourceError):
        await pool.submit(1)


async def test_more_workers_take_up_what_is_queued() -> None:
    gate = Gate()

    async with WorkerPool(1, gate) as pool:
        for number in range(5):
            await pool.submit(number)
        await wait_until_blocked()
        assert gate.begun == [0]
        pool.resize(3)
        await wait_until_blocked()
        assert gate.begun == [0, 1, 2]
        gate.open.set()


async def test_fewer_workers_leave_when_their_item_is_done() -> None:
    running = peak = 0

    async def work(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(5):
            await checkpoint()
        running -= 1

    async with WorkerPool(5, work) as pool:
        for number in range(5):
            await pool.submit(number)
        await pool.join()
        pool.resize(2)
        await wait_until_blocked()
        assert pool.statistics().workers == 2
        peak = 0
        for number in range(20):
            await pool.submit(number)

    assert peak == 2


async def test_statistics_count_what_became_of_the_items() -> None:
    gate = Gate()

    async def work(number: int) -> None:
        if number == 0:
            raise ValueError
        await gate(number)

    async with WorkerPool(2, work, max_queue=2) as pool, anyio.create_task_group() as tg:
        handles = [await pool.submit(number) for number in range(2)]
        await wait_until_blocked()
        handles += [await pool.submit(number) for number in range(2, 5)]
        tg.start_soon(pool.submit, 5)
        await wait_until_blocked()
        tg.start_soon(pool.submit, 6)
        await wait_until_blocked()
        handles[3].cancel()
        await wait_until_blocked()
        assert handles[0].exception is not None
        assert pool.statistics() == WorkerPoolStatistics(
            num_workers=2, workers=2, running=2, queued=2, waiting=1, finished=0, failed=1, cancelled=1
        )
        assert repr(pool) == "<WorkerPool running, 2 running, 2 queued>"
        gate.open.set()


async def test_an_awaited_task_that_was_cancelled_cancels_its_item_only(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio's tasks can be cancelled one by one")

    async def work(number: int) -> int:
        if number == 0:
            task = asyncio.create_task(asyncio.sleep(1))
            task.cancel()
            await task
        return number

    async with WorkerPool(1, work) as pool:
        handles = [await pool.submit(number) for number in range(3)]

    assert [handle.status.value for handle in handles] == ["cancelled", "finished", "finished"]
    assert pool.unprocessed == [0]


async def test_items_are_not_taken_from_another_thread() -> None:
    async with WorkerPool(1, double) as pool:
        await (await pool.submit(1))
        await wait_until_blocked()
        with pytest.raises(RuntimeError, match=r"^WorkerPool: submitting an item in thread "):
            await anyio.to_thread.run_sync(pool.submit_nowait, 2)
        assert await (await anyio.to_thread.run_sync(anyio.from_thread.run, pool.submit, 3)) == 6
        assert pool.statistics().finished == 2


async def test_items_are_not_taken_from_another_thread_while_all_workers_are_busy() -> None:
    gate = Gate()
    async with WorkerPool(1, gate) as pool:
        await pool.submit(1)
        await wait_until_blocked()
        for call in pool.submit_nowait, lambda item: anyio.run(pool.submit, item):
            with pytest.raises(RuntimeError, match=r"^WorkerPool: submitting an item in thread "):
                await anyio.to_thread.run_sync(call, 2)
        gate.open.set()

    assert gate.ended == [1]


async def test_a_pool_is_neither_resized_nor_its_items_cancelled_from_another_thread() -> None:
    gate = Gate()
    async with WorkerPool(1, gate) as pool:
        handle = await pool.submit(1)
        for call in handle.cancel, lambda: pool.resize(2):
            with pytest.raises(RuntimeError, match=r"it belongs to the event loop of thread 'MainThread'"):
                await anyio.to_thread.run_sync(call)
        gate.open.set()

    assert gate.ended == [1]


def test_items_are_not_taken_from_another_event_loop() -> None:
    gate = Gate()
    pool = WorkerPool(1, gate)
    with asyncio.Runner() as home, asyncio.Runner() as other:
        home.run(pool.start())
        home.run(pool.submit(1))
        home.run(asyncio.sleep(0))
        with pytest.raises(RuntimeError, match=r"^WorkerPool: submitting an item in another event loop "):
            other.run(pool.submit(2))
        assert home.run(pool.stop(grace=0)) == [1]


@pytest.mark.on("asyncio")  # trio runs tasks in an order of its own
async def test_items_that_are_cancelled_with_the_pool_are_listed_in_the_order_in_which_they_began() -> None:
    pool = WorkerPool(20, Gate())
    await pool.start()
    for number in range(20):
        await pool.submit(number)
    await wait_until_blocked()

    assert await pool.stop(grace=0) == list(range(20))


async def test_running_counts_items_not_workers() -> None:
    gate = Gate()
    async with WorkerPool(3, gate) as pool:
        handles = [await pool.submit(number) for number in range(2)]
        statistics = pool.statistics()
        assert statistics.running == [handle.status for handle in handles].count(ItemStatus.RUNNING)
        assert statistics.running + statistics.queued == 2
        await wait_until_blocked()
        assert pool.statistics().running == 2
        gate.open.set()
        await pool.join()
        assert pool.statistics().running == 0


async def test_running_counts_no_worker_between_two_items() -> None:
    seen: list[int] = []

    async def work(_: int) -> None:
        """Takes no time."""

    async def look() -> None:
        while pool.statistics().finished < 200:
            seen.append(pool.statistics().running)
            await checkpoint()

    async with WorkerPool(1, work) as pool:
        for number in range(200):
            pool.submit_nowait(number)
        await look()

    assert set(seen) == {0}


@pytest.mark.parametrize("operation", ["map nothing", "map", "submit", "await a cancelled item"])
async def test_a_stopped_pool_does_not_starve_others(operation: str) -> None:
    pool = WorkerPool(1, Gate())
    await pool.start()
    handle = await pool.submit(1)
    await pool.stop(grace=0)

    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(64):
            with suppress(anyio.ClosedResourceError, anyio.TaskCancelled):
                if operation == "submit":
                    await pool.submit(2)
                elif operation == "await a cancelled item":
                    await handle
                else:
                    await pool.map([2] if operation == "map" else [])
    assert scope.cancelled_caught


async def test_a_pool_that_takes_no_items_maps_not_even_none() -> None:
    pool = WorkerPool(1, double)
    with pytest.raises(RuntimeError, match=r"^worker pool is not started"):
        await pool.map([])
    async with pool:
        assert await pool.map([]) == []
    with pytest.raises(anyio.ClosedResourceError):
        await pool.map([])


@pytest.mark.parametrize("sets_context", [False, True])
async def test_a_worker_function_that_is_not_async_is_named(sets_context: bool) -> None:
    def work(number: int) -> int:
        return number

    async with WorkerPool(1, work) as pool:  # type: ignore[arg-type]
        if sets_context:
            _variable.set(1)
        handle = await pool.submit(5)
        with pytest.raises(
            TypeError,
            match=r"^worker_func must be an async function: test_a_.*<locals>\.work\(\) gave 5, which cannot",
        ):
            await handle


def test_pool_left_started_keeps_no_run_from_ending_and_says_so(anyio_backend: Backend) -> None:
    name, options = anyio_backend

    async def main() -> None:
        await WorkerPool(1, double).start()
        await wait_until_blocked()

    with pytest.warns(
        ResourceWarning, match=r"^worker pool was never stopped: 0 items were not done, 0 errors"
    ):
        anyio.run(main, backend=name, backend_options=options)


def test_items_left_undone_at_the_end_of_the_run_are_warned_of(anyio_backend: Backend) -> None:
    name, options = anyio_backend
    gates: list[Gate] = []

    async def main() -> None:
        gates.append(Gate())
        pool = WorkerPool(1, gates[0])
        await pool.start()
        for number in range(3):
            await pool.submit(number)
        await wait_until_blocked()

    with pytest.warns(
        RuntimeWarning, match=r"^worker pool was never stopped: 3 items were not done, 0 errors"
    ):
        anyio.run(main, backend=name, backend_options=options)

    assert gates[0].begun == [0]
    assert gates[0].ended == []


POLICIES = "'report', 'log', 'cancel' or a function"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_workers": 0}, ValueError, "num_workers must be >= 1, not 0"),
        ({"num_workers": "2"}, TypeError, "num_workers must be an int, not '2'"),
        ({"worker_func": 5}, TypeError, "worker_func must be callable, not 5"),
        ({"max_queue": 0}, ValueError, "max_queue must be >= 1, not 0"),
        ({"grace": -1}, ValueError, "grace must be >= 0 seconds, not -1"),
        ({"grace": "5"}, TypeError, "grace must be a number of seconds, not '5'"),
        (
            {"on_error": "print"},
            ValueError,
            "on_error must be 'report', 'log', 'cancel' or a function, not 'print'",
        ),
        ({"on_error": []}, ValueError, r"on_error must be 'report', 'log', 'cancel' or a function, not \[\]"),
    ],
)
async def test_wrong_arguments_say_what_is_wrong(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    call: dict[str, Any] = {"num_workers": 1, "worker_func": double, **arguments}

    with pytest.raises(error, match=f"^{words}$"):
        WorkerPool(**call)


async def test_wrong_numbers_say_what_is_wrong() -> None:
    async with WorkerPool(1, double) as pool:
        with pytest.raises(ValueError, match=r"^num_workers must be >= 1, not 0$"):
            pool.resize(0)
        with pytest.raises(ValueError, match=r"^grace must be >= 0 seconds, not -1$"):
            await pool.stop(grace=-1)
        with pytest.raises(ValueError, match=r"^grace must not be NaN$"):
            await pool.stop(grace=float("nan"))


def test_an_interrupt_in_an_item_of_a_started_pool_ends_the_run(anyio_backend: Backend) -> None:
    name, options = anyio_backend

    async def work(item: int) -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        pool = WorkerPool(2, work)
        await pool.start()
        await pool.submit(1)
        await anyio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        anyio.run(main, backend=name, backend_options=options)


async def test_what_is_no_exception_leaves_no_cancellation_behind() -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(checkpoint)
        with pytest.raises(Panic):
            async with WorkerPool(1, panic) as pool:
                await (await pool.submit(1))
        await checkpoint()
        await checkpoint()
