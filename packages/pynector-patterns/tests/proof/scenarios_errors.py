"""Scenarios of errors that are hard to keep: each leaves as the object that was raised, or a leaf of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from scenarios_faults import FIRED

from pynector.concurrency.patterns import (
    CircuitBreaker,
    ConnectionPool,
    PoolWatch,
    RetryPolicy,
    WorkerPool,
    concurrent_map,
    hedge,
    parallel_requests,
)
from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import checkpoint


@dataclass(frozen=True)
class Frozen(Exception):
    """Cannot be changed: no note, no context can be set on it."""

    code: int


class Slotted(Exception):
    """Refuses every attribute."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(f"{name} cannot be set")


class Empty(Exception):
    """Is false, as an error that is a collection of nothing."""

    def __len__(self) -> int:
        return 0


class Mute(Exception):
    """Has no text: making it fails."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:  # which trio asks for
        return "Mute()"


class Outcome(BaseException):
    """Is no `Exception`, as those of `pytest.skip` and `pytest.fail`."""


def nested() -> Exception:
    return ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("a"), Frozen(2)]), ValueError("b")])


ERRORS: dict[str, Callable[[], BaseException]] = {
    "frozen": lambda: Frozen(1),
    "slotted": Slotted,
    "false": Empty,
    "mute": Mute,
    "no Exception": Outcome,
    "nested": nested,
}


def leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in leaves(member)]
    return [error]


async def leaving(block: Callable[[BaseException], Awaitable[object]], error: BaseException) -> None:
    """Run *block*, in which *error* is raised: the error itself has to leave it, all of it."""
    try:
        await block(error)
    except anyio.get_cancelled_exc_class():
        raise
    except BaseException as caught:
        raised = caught
    else:
        raise AssertionError(f"{type(error)} was lost")
    kept = {id(leaf) for leaf in leaves(raised)} | {id(raised), id(raised.__cause__)}
    lost = [leaf for leaf in leaves(error) if id(leaf) not in kept]
    assert not lost or id(error) in kept, f"{type(error)} was replaced by {type(raised)}"


def raising(error: BaseException) -> Callable[..., Any]:
    async def fail(*_: object) -> None:
        await checkpoint()
        raise error

    return fail


async def in_a_child(error: BaseException) -> None:
    async with create_task_group() as tg:
        tg.start_soon(raising(error))
        tg.start_soon(anyio.sleep_forever)


async def in_a_start(error: BaseException) -> None:
    async def fail(*, task_status: object) -> None:
        raise error

    async with create_task_group() as tg:
        await tg.start(fail)


async def in_a_request(error: BaseException) -> None:
    await parallel_requests([1, 2], raising(error), max_concurrency=1)


async def in_a_map(error: BaseException) -> None:
    async with concurrent_map(raising(error), [1, 2], max_concurrency=1) as results:
        async for _ in results:
            pass


async def in_an_input(error: BaseException) -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        raise error

    async def use(item: int) -> None:
        await checkpoint()

    async with concurrent_map(use, items(), max_concurrency=1) as results:
        async for _ in results:
            pass


async def in_a_hedge(error: BaseException) -> None:
    await hedge(raising(error), delay=1, max_attempts=2)


async def in_a_retry(error: BaseException) -> None:
    policy = RetryPolicy(attempts=2, backoff=0, retry_on=Exception, before_sleep=None)
    await policy(raising(error))


async def in_a_breaker(error: BaseException) -> None:
    await CircuitBreaker(threshold=1)(raising(error))


async def in_a_worker(error: BaseException) -> None:
    async with WorkerPool(1, raising(error)) as pool:
        await pool.submit(1)


async def in_an_item(error: BaseException) -> None:
    async with WorkerPool(1, raising(error)) as pool:
        await (await pool.submit(1))


async def in_a_factory(error: BaseException) -> None:
    async with ConnectionPool(max_connections=1, connection_factory=raising(error)) as pool:
        await pool.acquire()


async def in_a_managed_factory(error: BaseException) -> None:
    @asynccontextmanager
    async def connection() -> AsyncIterator[object]:
        await checkpoint()
        raise error
        yield

    async with ConnectionPool(max_connections=1, connection_factory=connection) as pool:
        await pool.acquire()


PLACES = (
    in_a_child,
    in_a_start,
    in_a_request,
    in_a_map,
    in_an_input,
    in_a_hedge,
    in_a_retry,
    in_a_breaker,
    in_a_worker,
    in_an_item,
    in_a_factory,
    in_a_managed_factory,
)


async def errors_leave_as_they_are() -> None:
    for kind, make in ERRORS.items():
        for place in PLACES:
            await leaving(place, make())
            FIRED[f"error: {kind}"] += 1


class Connection:
    async def close(self) -> None: ...


async def connect() -> Connection:
    await checkpoint()
    return Connection()


async def hooks_that_fail_lose_no_connection() -> None:
    """Nobody waits for these errors; the pool goes on lending."""
    for kind in "frozen", "slotted", "false", "mute", "nested":
        for hook in "check", "reset", "on_event":
            await _hook_fails(ERRORS[kind](), hook)


async def _hook_fails(error: BaseException, name: str) -> None:
    failing = True

    def on_event(event: object) -> None:
        if failing:
            FIRED["hook fails"] += 1
            raise error

    async def hook(connection: Connection) -> bool:
        await checkpoint()
        on_event(connection)
        return True

    hooks: dict[str, Any] = {"watch": PoolWatch(on_event=on_event)} if name == "on_event" else {name: hook}
    async with ConnectionPool(max_connections=1, connection_factory=connect, **hooks) as pool:
        for _ in range(2):
            async with pool.acquire():
                await checkpoint()
        failing = False
        async with pool.acquire():
            pass
        assert pool.statistics().lent == 0


begun: list[str] = []


async def rollback(*_: object) -> None:
    """Fails in its clean-up."""
    begun.append("rollback")
    try:
        await anyio.sleep_forever()
    finally:
        FIRED["clean-up fails"] += 1
        raise ValueError("rollback failed")


async def by_a_call() -> None:
    await rollback()


async def by_a_group() -> None:
    async with create_task_group() as tg:
        tg.start_soon(rollback)


async def by_a_start() -> None:
    async with create_task_group() as tg:
        await tg.start(lambda *, task_status: rollback())


async def by_requests() -> None:
    await parallel_requests([1], rollback)


async def by_a_map() -> None:
    async with concurrent_map(rollback, [1], max_concurrency=1) as results:
        async for _ in results:
            pass


async def by_a_hedge() -> None:
    await hedge(rollback, delay=10)


async def by_a_policy() -> None:
    await RetryPolicy(attempts=2, retry_on=Exception, backoff=0, before_sleep=None)(rollback)


async def by_a_breaker() -> None:
    await CircuitBreaker()(rollback)


CLEAN_UPS = (
    by_a_call,
    by_a_group,
    by_a_start,
    by_requests,
    by_a_map,
    by_a_hedge,
    by_a_policy,
    by_a_breaker,
)


async def errors_of_a_clean_up_come_first() -> None:
    """The error of a clean-up is raised where the call was cancelled, the same way by all."""
    for call in CLEAN_UPS:
        raised: Exception | None = None
        begun.clear()
        with anyio.move_on_after(1) as limit:
            try:
                await call()
            except ValueError as error:
                raised = error
                FIRED["error of a clean-up arrives"] += 1
                await anyio.sleep_forever()  # the cancellation comes after it
        assert raised is not None or not begun, f"{call.__name__} lost the error of the clean-up"
        assert limit.cancelled_caught or not begun, f"{call.__name__} lost the cancellation"


SCENARIOS = (errors_leave_as_they_are, hooks_that_fail_lose_no_connection, errors_of_a_clean_up_come_first)
