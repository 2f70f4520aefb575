"""Scenarios of tasks that are interrupted while others act for them; what must hold all the same."""

import math
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import anyio
from anyio import BrokenResourceError, ClosedResourceError, TaskCancelled, current_effective_deadline
from scenarios_faults import FIRED, apart

from pynector.concurrency.patterns import CircuitBreaker, CircuitOpenError, RetryPolicy, WorkerPool, hedge
from pynector.concurrency.primitives import CapacityLimiter, PriorityQueue, Queue
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint, current_task
from pynector.concurrency.testing import invariant


@contextmanager
def nothing_but_a_cancellation(*others: type[Exception]) -> Generator[None]:
    """Who is cancelled is told nothing else; *others* come only where somebody else was."""
    try:
        yield
    except others:
        assert current_effective_deadline() > -math.inf, "stands in front of a cancellation"


class Books:
    """Keeps account of the items of a pool."""

    def __init__(self, workers: int) -> None:
        self.taken, self.begun, self.done, self.refused = list[int](), list[int](), list[int](), list[int]()
        self.running = 0
        invariant(lambda: self.running <= workers)

    async def work(self, item: int) -> int:
        self.running += 1
        self.begun.append(item)
        try:
            for _ in range(item % 3):
                await checkpoint()
            self.done.append(item)
            return item
        except KeyboardInterrupt:
            self.done.append(item)  # after a fashion: its handle has the error
            raise
        finally:
            self.running -= 1

    async def submit(self, pool: WorkerPool[int, int], item: int, **options: Any) -> None:
        try:
            await pool.submit(item, **options)
        except BaseException as error:
            self.refused.append(item)
            if not isinstance(error, ClosedResourceError):
                raise
        else:
            self.taken.append(item)

    def balance(self, pool: WorkerPool[int, int]) -> None:
        """Each item that was taken was done once, or is listed once; none that was refused was begun."""
        assert self.running == 0
        assert max(Counter(self.begun).values(), default=0) <= 1
        assert not set(self.refused) & {*self.begun, *pool.unprocessed}
        assert sorted([*self.done, *pool.unprocessed]) == sorted(self.taken), (self.taken, pool.unprocessed)
        assert pool.statistics().running == pool.statistics().queued == pool.statistics().waiting == 0


async def who_submits_is_told_of_its_cancellation() -> None:
    async def submit() -> None:
        with nothing_but_a_cancellation(BrokenResourceError, ClosedResourceError):
            async with WorkerPool(2, Books(2).work, max_queue=1) as pool:
                for item in range(5):
                    await pool.submit(item)

    async with create_task_group() as tg:
        tg.start_soon(apart, submit)


async def who_awaits_items_is_told_of_its_cancellation() -> None:
    async def use() -> None:
        with nothing_but_a_cancellation(BrokenResourceError, ClosedResourceError, TaskCancelled):
            async with WorkerPool(2, Books(2).work, max_queue=2) as pool:
                for handle in [pool.submit_nowait(item) for item in (1, 2)]:
                    await handle
                await pool.map(range(3, 6))
                await pool.join()
                await pool.stop()

    async with create_task_group() as tg:
        tg.start_soon(apart, use)


async def priority_pool_is_resized_and_loses_no_item() -> None:
    books = Books(3)
    pool = WorkerPool(1, books.work, max_queue=2, priorities=True)

    async def submit(first: int) -> None:
        for item in range(first, first + 3):
            await books.submit(pool, item, priority=-item)

    async def resize() -> None:
        for size in 3, 1, 2:
            await checkpoint()
            pool.resize(size)

    async def use() -> None:
        with suppress(BrokenResourceError):  # a worker itself was cancelled
            async with pool, create_task_group() as tg:
                tg.start_soon(apart, submit, 0)
                tg.start_soon(apart, submit, 10)
                tg.start_soon(apart, resize)

    try:
        async with create_task_group() as tg:
            tg.start_soon(apart, use)
    finally:
        books.balance(pool)


async def pool_is_stopped_with_grace_and_lists_what_it_did_not() -> None:
    books = Books(2)
    pool = WorkerPool(2, books.work, max_queue=2)

    async def submit(first: int) -> None:
        for item in range(first, first + 3):
            await books.submit(pool, item)

    async def stop() -> None:
        await checkpoint()
        assert await pool.stop(grace=0) == pool.unprocessed

    await pool.start()
    async with create_task_group() as tg:
        for start in ((submit, 0), (submit, 10), (stop,), (stop,)):
            tg.start_soon(apart, *start)
    await pool.stop()
    books.balance(pool)


async def pool_is_cancelled_by_an_error_and_tells_of_it_once() -> None:
    told = list[str]()

    async def work(item: int) -> None:
        await checkpoint()
        if item == 1:
            raise LookupError(item)
        await anyio.sleep(1)

    pool = WorkerPool(2, work, max_queue=2, on_error="cancel")

    async def submit() -> None:
        with suppress(ClosedResourceError):
            handles = [await pool.submit(item) for item in range(4)]
            try:
                await handles[1]
            except LookupError:
                told.append("handle")
            except TaskCancelled:
                assert handles[1].status is handles[1].Status.CANCELLED

    async def stop() -> None:
        await anyio.sleep(2)
        try:
            await pool.stop()
        except* LookupError:
            told.append("stop")

    await pool.start()
    async with create_task_group() as tg:
        tg.start_soon(apart, submit)
        tg.start_soon(apart, stop)
    await stop()
    assert len(told) <= 1
    assert pool.statistics().running == pool.statistics().queued == 0


async def _shut_down(queue: Queue[int]) -> None:
    put, got = list[int](), list[int]()

    async def produce(first: int) -> None:
        with suppress(ClosedResourceError):
            for item in range(first, first + 3):
                await queue.put(item)
                put.append(item)  # no checkpoint since put() has put it

    async def consume() -> None:
        async for item in queue:
            got.append(item)

    async def shut_down() -> None:
        await checkpoint()
        got.extend(queue.shutdown())
        await queue.join()

    async with create_task_group() as tg:
        for start in ((produce, 0), (produce, 10), (consume,), (consume,), (shut_down,)):
            tg.start_soon(apart, *start)
        try:
            await anyio.sleep(1)
        finally:
            got.extend(queue.shutdown())
    await queue.join()
    assert sorted(got) == sorted(put), "lost or doubled"
    assert (len(queue), queue.statistics().unfinished) == (0, 0)


async def queue_is_shut_down_and_loses_no_item() -> None:
    await _shut_down(Queue[int](1))


async def fast_priority_queue_is_shut_down_and_loses_no_item() -> None:
    await _shut_down(PriorityQueue[int](2, fast_acquire=True))


async def limiter_lends_on_behalf_and_gets_each_token_back() -> None:
    limiter, holding = CapacityLimiter(1), list[object]()
    invariant(lambda: 0 <= limiter.borrowed_tokens <= 2)

    async def use(borrower: object) -> None:
        await limiter.acquire_on_behalf_of(borrower)
        holding.append(borrower)
        try:
            await checkpoint()
        finally:
            holding.remove(borrower)
            with suppress(RuntimeError):  # another was faster
                limiter.release_on_behalf_of(borrower)

    async def give_back() -> None:
        for _ in range(4):
            for borrower in limiter.statistics().borrowers:
                FIRED["token released on its way"] += borrower not in holding
                limiter.release_on_behalf_of(borrower)  # whoever is named can be released
            await checkpoint()

    async def hold() -> None:
        await limiter.acquire()
        holding.append(current_task())
        try:
            await checkpoint()
        finally:
            holding.remove(current_task())
            with suppress(RuntimeError):
                limiter.release()

    async with create_task_group() as tg:
        for start in ((use, "a"), (use, None), (hold,), (give_back,), (use, "c")):
            tg.start_soon(apart, *start)
    assert limiter.borrowed_tokens == 0
    assert limiter.statistics().tasks_waiting == 0
    limiter.acquire_on_behalf_of_nowait("a")


async def task_releases_its_own_token_whoever_acquires_for_it() -> None:
    """A task holds one by `acquire`, and another acquires on its behalf before, meanwhile, or after."""
    limiter, owner = CapacityLimiter(0), list[object]()

    async def own() -> None:
        owner.append(current_task())
        await anyio.sleep(1)
        await limiter.acquire()
        limiter.release()  # in the same breath: it was not refused
        FIRED["own token released"] += 1

    async def lend() -> None:
        await anyio.sleep(0.5)
        if owner:
            await limiter.acquire_on_behalf_of(owner[0])
            limiter.release_on_behalf_of(owner[0])

    async with create_task_group() as tg:
        tg.start_soon(apart, own)
        tg.start_soon(apart, lend)
        await anyio.sleep(2)
        limiter.total_tokens = 2
    assert (limiter.borrowed_tokens, limiter.statistics().tasks_waiting) == (0, 0)


async def hedged_retries_through_a_breaker_leave_no_probe_behind() -> None:
    breaker = CircuitBreaker(threshold=1, cool_down=1, timeout=3)
    policy = RetryPolicy(attempts=3, timeout=2, backoff=1, jitter=0, before_sleep=None)
    calls = 0

    async def fetch() -> int:
        nonlocal calls
        calls += 1
        await anyio.sleep(0.5)
        if calls == 1:
            raise ConnectionError
        return calls

    async def use() -> None:
        with (
            suppress(CircuitOpenError, ConnectionError, TimeoutError),
            nothing_but_a_cancellation(TaskCancelled),
        ):
            await hedge(policy, breaker, fetch, delay=1)

    async with create_task_group() as tg:
        tg.start_soon(apart, use)
        tg.start_soon(apart, use)
    await anyio.sleep(1)
    calls = 1
    assert await breaker(fetch) == 2
    assert breaker.state == "closed"


SCENARIOS = [
    who_submits_is_told_of_its_cancellation,
    who_awaits_items_is_told_of_its_cancellation,
    priority_pool_is_resized_and_loses_no_item,
    pool_is_stopped_with_grace_and_lists_what_it_did_not,
    pool_is_cancelled_by_an_error_and_tells_of_it_once,
    queue_is_shut_down_and_loses_no_item,
    fast_priority_queue_is_shut_down_and_loses_no_item,
    limiter_lends_on_behalf_and_gets_each_token_back,
    task_releases_its_own_token_whoever_acquires_for_it,
    hedged_retries_through_a_breaker_leave_no_probe_behind,
]
