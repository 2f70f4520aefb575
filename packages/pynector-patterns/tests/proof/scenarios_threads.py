"""Scenarios of calls from another thread: each is refused, and refused means that nothing happened."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
from scenarios_faults import FIRED, apart, connect

from pynector.concurrency.cancel import CancelScope
from pynector.concurrency.patterns import ConnectionPool, KeyedConnectionPool, WorkerPool
from pynector.concurrency.primitives import CapacityLimiter, Condition, Event, Lock, Queue, Semaphore
from pynector.concurrency.task import create_task_group


def intrude(calls: dict[str, Callable[[], Any]]) -> list[str]:
    """Make each call in a thread of its own event loop; return those that were not refused there."""
    accepted: list[str] = []

    def make_all() -> None:
        for name, call in calls.items():
            try:
                anyio.run(_awaited, call)
            except RuntimeError as error:
                FIRED["refused in a foreign thread"] += 1
                if not ("thread" in str(error) and "intruder" in str(error)):
                    accepted.append(f"{name}: refused without a word of threads: {error}")
            except BaseException as error:
                accepted.append(f"{name}: {error!r}")
            else:
                accepted.append(name)

    thread = threading.Thread(target=make_all, name="intruder")
    thread.start()
    thread.join()
    return accepted


async def _awaited(call: Callable[[], Any]) -> None:
    result = call()
    if hasattr(result, "__await__"):
        await result


async def _sleep_in(scope: CancelScope, ended: list[str]) -> None:
    with scope:
        await anyio.sleep_forever()
    ended.append("alone")


async def scopes_and_groups_refuse_a_thread() -> None:
    """A limit around them gets through afterwards, and so does a cancellation from here."""
    scope, ended = CancelScope(), list[str]()
    with anyio.move_on_after(5) as limit:
        async with create_task_group() as tg:
            handle = tg.create_task(_sleep_in(scope, ended))
            tg.start_soon(anyio.sleep_forever)
            await anyio.sleep(1)
            if not ended and not scope.cancel_called and limit.deadline > anyio.current_time():
                calls = {
                    "TaskGroup.cancel": tg.cancel,
                    "CancelScope.cancel": scope.cancel,
                    "TaskHandle.cancel": handle.cancel,
                    "TaskGroup.start_soon": lambda: tg.start_soon(anyio.sleep_forever),
                }
                accepted = intrude(calls)
                assert not accepted, accepted
                assert (tg.cancel_reason, scope.cancel_called, ended) == (None, False, [])
                scope.cancel()
                await anyio.sleep(1)
                assert ended, "a cancellation from here does not get through any more"
            await anyio.sleep_forever()
    assert limit.cancelled_caught, "the limit around the group did not get through"


async def primitives_refuse_a_thread() -> None:
    event, lock, places, limiter = Event(), Lock(), Semaphore(0), CapacityLimiter(0)
    condition, queue, ended = Condition(), Queue[int](1), list[str]()

    async def wait_for(name: str, wait: Callable[[], Any]) -> None:
        await wait()
        ended.append(name)

    async def notified() -> None:
        async with condition:
            await condition.wait()

    waits: dict[str, Callable[[], Any]] = {
        "event": event.wait,
        "lock": lock.acquire,
        "semaphore": places.acquire,
        "limiter": limiter.acquire,
        "condition": notified,
        "queue": queue.get,
    }

    def raise_total() -> None:
        limiter.total_tokens = 1

    calls: dict[str, Callable[[], Any]] = {
        "Event.set": event.set,
        "Event.wait": event.wait,
        "Lock.acquire": lock.acquire,
        "Lock.acquire_nowait": lock.acquire_nowait,
        "Lock.release": lock.release,
        "Semaphore.acquire": places.acquire,
        "Semaphore.acquire_nowait": places.acquire_nowait,
        "Semaphore.release": places.release,
        "CapacityLimiter.acquire": limiter.acquire,
        "CapacityLimiter.release": limiter.release,
        "CapacityLimiter.total_tokens": raise_total,
        "Condition.notify": condition.notify,
        "Condition.notify_all": condition.notify_all,
        "Queue.put": lambda: queue.put(1),
        "Queue.put_nowait": lambda: queue.put_nowait(1),
        "Queue.get": queue.get,
        "Queue.get_nowait": queue.get_nowait,
        "Queue.close": queue.close,
        "Queue.shutdown": queue.shutdown,
    }

    def seen() -> list[Any]:
        parts = event, lock, places, limiter, condition, queue
        return [part.statistics() for part in parts]

    await lock.acquire()
    with anyio.move_on_after(5):
        async with create_task_group() as tg:
            for name, wait in waits.items():
                tg.start_soon(apart, wait_for, name, wait)
            await anyio.sleep(1)
            before = seen()
            accepted = intrude(calls)
            assert not accepted, accepted
            assert seen() == before, "a refused call has changed something"
            waiting, ended[:] = len(waits) - len(ended), []
            for wake in event.set, lock.release, places.release, raise_total, lambda: queue.put_nowait(1):
                wake()
            async with condition:
                condition.notify()
            await anyio.sleep(1)
            assert len(ended) <= waiting
            assert event.is_set()
            assert queue.statistics().tasks_waiting_get == 0


async def patterns_refuse_a_thread() -> None:
    let_go, done = anyio.Event(), list[int]()

    async def work(item: int) -> None:
        await let_go.wait()
        done.append(item)

    async def to_host(host: str) -> Any:
        return await connect()

    pool = ConnectionPool(max_connections=1, connection_factory=connect)
    keyed = KeyedConnectionPool(max_per_key=1, max_connections=1, connection_factory=to_host)
    async with pool, keyed, WorkerPool(1, work) as workers:
        lent, hosts = await pool.acquire(), await keyed.acquire("a")
        handle = await workers.submit(1)
        await workers.submit(2)
        async with create_task_group() as tg:
            tg.start_soon(apart, _use, pool)
            tg.start_soon(apart, _use, keyed, "a")
            await anyio.sleep(1)
            calls: dict[str, Callable[[], Any]] = {
                "ConnectionPool.acquire": pool.acquire,
                "ConnectionPool.release": lambda: pool.release(lent),
                "ConnectionPool.discard": lambda: pool.discard(lent),
                "ConnectionPool.resize": lambda: pool.resize(2),
                "ConnectionPool.expire_all": pool.expire_all,
                "ConnectionPool.close": pool.close,
                "KeyedConnectionPool.acquire": lambda: keyed.acquire("b"),
                "KeyedConnectionPool.release": lambda: keyed.release(hosts),
                "KeyedConnectionPool.discard": lambda: keyed.discard(hosts),
                "KeyedConnectionPool.expire_all": keyed.expire_all,
                "KeyedConnectionPool.close": keyed.close,
                "WorkerPool.submit": lambda: workers.submit(3),
                "WorkerPool.submit_nowait": lambda: workers.submit_nowait(3),
                "WorkerPool.resize": lambda: workers.resize(2),
                "WorkerPool.map": lambda: workers.map([3]),
                "WorkerPool.join": workers.join,
                "WorkerPool.stop": workers.stop,
                "ItemHandle.cancel": handle.cancel,
            }
            before = pool.statistics(), keyed.statistics(), workers.statistics()
            accepted = intrude(calls)
            assert not accepted, accepted
            assert before == (pool.statistics(), keyed.statistics(), workers.statistics())
            await pool.release(lent)
            await keyed.release(hosts)
        let_go.set()
        await workers.join()
        assert done == [1, 2]


async def _use(pool: Any, *key: str) -> None:
    async with pool.acquire(*key):
        pass


SCENARIOS = (scopes_and_groups_refuse_a_thread, primitives_refuse_a_thread, patterns_refuse_a_thread)
