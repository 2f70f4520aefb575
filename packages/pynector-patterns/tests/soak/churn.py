"""Rounds of tasks that share a pool, a semaphore, a limiter, a queue and workers; many are cancelled."""

import asyncio
from collections import Counter
from random import Random

import anyio
from anyio import get_cancelled_exc_class, move_on_after
from echo_server import SIZE, Connection, EchoServer

from pynector.concurrency.patterns import ConnectionPool, PoolFactoryError, PoolLimits, WorkerPool
from pynector.concurrency.primitives import CapacityLimiter, Queue, Semaphore
from pynector.concurrency.task import create_task_group

CANCELLED = 0.3
TASKS = 200  # in a round
PLACES = 8


class Churn:
    """What is shared, and what has become of the tasks."""

    def __init__(self, server: EchoServer, random: Random, *, native: bool) -> None:
        self.random = random
        self.native = native
        self.semaphore = Semaphore(40)
        self.limiter = CapacityLimiter(30)
        self.queue: Queue[bytes] = Queue(20)
        self.pool = ConnectionPool(
            max_connections=PLACES,
            connection_factory=server.connect,
            reset=lambda connection: not connection.broken,
            limits=PoolLimits(min_size=2, max_idle=5, max_uses=500),
        )
        self.workers = WorkerPool(num_workers=4, worker_func=self._work, max_queue=10)
        self.outcomes: Counter[str] = Counter()

    async def round(self) -> None:
        """Start the tasks, resize what they wait for, and wait for all of them."""
        async with create_task_group() as tg:
            for number in range(TASKS):
                tg.start_soon(self._client, number.to_bytes(SIZE, "big"))
            for total in 10, 30:
                await anyio.sleep(self.random.random() / 100)
                self.limiter.total_tokens = total
                self.workers.resize(total // 5)
                await self.pool.resize(total // 2)
            with anyio.fail_after(60):
                for _ in range(TASKS):
                    await self.queue.get()
            await self.pool.resize(PLACES)

    async def _client(self, question: bytes) -> None:
        """Ask, perhaps cut short; leave a note in the queue, so that the round can wait for all."""
        cut = self.random.random() < CANCELLED
        after = self.random.random() / 50 if cut else 60.0
        outcome = "late"
        try:
            if self.native and self.random.random() < 0.5:
                async with asyncio.timeout(after):  # cancels natively
                    outcome = await self._ask(question)
            else:
                with move_on_after(after):
                    outcome = await self._ask(question)
        except TimeoutError:
            pass
        assert cut or outcome != "late", "a task was stuck for a minute"
        self.outcomes[outcome] += 1
        await self.queue.put(question)

    async def _ask(self, question: bytes) -> str:
        async with self.semaphore, self.limiter:
            try:
                async with self.pool.acquire() as connection:
                    assert await connection.ask(question) == question, "the answer to another question"
            except (ConnectionError, PoolFactoryError):
                return "refused"
            if question[-1] % 4 == 0:
                handle = await self.workers.submit(question)
                try:
                    assert await handle == question
                except get_cancelled_exc_class():
                    handle.cancel()
                    raise
        return "answered"

    async def _work(self, question: bytes) -> bytes:
        async with _Patient(self.pool) as connection:
            return await connection.ask(question)

    def check_quiet(self) -> None:
        """Between two rounds nobody holds anything, and nobody waits."""
        statistics = self.pool.statistics()
        assert self.semaphore.value == 40, f"permits lost: {self.semaphore.value} of 40"
        assert self.limiter.borrowed_tokens == 0, f"tokens lost: {self.limiter}"
        assert len(self.queue) == 0, f"items left over: {len(self.queue)}"
        assert self.workers.statistics().queued == 0
        assert statistics.lent == 0, f"connections lost: {statistics}"
        assert statistics.waiting == 0, f"still waiting: {statistics}"

    async def check_places(self) -> None:
        """All places of the pool can be had."""
        held: list[Connection] = []
        with anyio.fail_after(30):
            while len(held) < PLACES:
                try:
                    held.append(await self.pool.acquire())
                except (ConnectionError, PoolFactoryError):
                    continue
        for connection in held:
            await self.pool.release(connection)


class _Patient:
    """A lease that asks again while the factory fails."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self.pool = pool
        self.connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        while self.connection is None:
            try:
                self.connection = await self.pool.acquire()
            except (ConnectionError, PoolFactoryError):
                continue
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        await self.pool.release(self.connection)
