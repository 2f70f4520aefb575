"""What is tried of bounded maps."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiometer
import anyio
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.patterns import concurrent_map

from .tried import tried

Func = Callable[[Any], Awaitable[Any]]


@asynccontextmanager
async def ours(func: Func, items: Any, at_once: int) -> AsyncIterator[AsyncIterable[Any]]:
    async with concurrent_map(func, items, max_concurrency=at_once) as results:
        yield results


@asynccontextmanager
async def aiometers(func: Func, items: Any, at_once: int) -> AsyncIterator[AsyncIterable[Any]]:
    async with aiometer.amap(func, items, max_at_once=at_once) as results:
        yield results


@asynccontextmanager
async def by_hand(func: Func, items: Iterable[Any], at_once: int) -> AsyncIterator[AsyncIterable[Any]]:
    semaphore = asyncio.Semaphore(at_once)

    async def bounded(item: Any) -> Any:
        async with semaphore:
            return await func(item)

    results = await asyncio.gather(*(bounded(item) for item in items))

    async def one_by_one() -> AsyncIterator[Any]:
        for result in results:
            yield result

    yield one_by_one()


MAPS = {"pynector": ours, "aiometer": aiometers, "by hand": by_hand}


async def wait(seconds: float) -> float:
    await anyio.sleep(seconds)
    return seconds


async def collect(stream: Any, func: Func, items: Any, at_once: int = 2) -> list[Any]:
    async with stream(func, items, at_once) as results:
        return [result async for result in results]


@tried("runs on trio", MAPS)
async def runs_on_trio(stream: Any) -> bool:
    return await anyio.to_thread.run_sync(lambda: succeeds(trio.run, collect, stream, wait, [0.02, 0.01]))


def succeeds(func: Callable[..., object], *args: object) -> bool:
    try:
        func(*args)
    except (Exception, trio.TrioInternalError):
        return False
    return True


@tried("takes a generator", MAPS)
async def takes_a_generator(stream: Any) -> bool:
    try:
        return sorted(await collect(stream, wait, (seconds for seconds in (0.01, 0.02)))) == [0.01, 0.02]
    except TypeError:
        return False


@tried("takes an async generator", MAPS)
async def takes_an_async_generator(stream: Any) -> bool:
    async def items() -> AsyncIterator[float]:
        yield 0.01

    try:
        return await collect(stream, wait, items()) == [0.01]
    except TypeError:
        return False


@tried("gives results while others are on their way", MAPS)
async def gives_results_early(stream: Any) -> bool:
    seconds: list[float] = []
    with anyio.move_on_after(1.0):
        async with stream(wait, [0.01, 30.0], 2) as results:
            async for result in results:
                seconds.append(result)
    return seconds == [0.01]


@tried("leaving early cancels the rest", MAPS)
async def leaving_early_cancels(stream: Any) -> bool:
    started = anyio.current_time()
    async with stream(wait, [0.01, 1.0], 2) as results:
        async for _ in results:
            break
    return anyio.current_time() - started < 0.5


@tried("gives them in the order of the items", MAPS)
async def in_order(stream: Any) -> bool:
    return await collect(stream, wait, [0.05, 0.01]) == [0.05, 0.01]


@tried("waits for a slow consumer", MAPS)
async def waits_for_the_consumer(stream: Any) -> bool:
    begun = begun_meanwhile = 0

    async def begin(_: int) -> None:
        nonlocal begun
        begun += 1
        await checkpoint()

    async with stream(begin, list(range(100)), 2) as results:
        async for _ in results:
            if not begun_meanwhile:
                await anyio.sleep(0.1)  # in which all 100 could be done
                begun_meanwhile = begun
    return begun_meanwhile < 50


@tried("tasks for 1,000 items, 10 at a time", MAPS)
async def tasks_for_a_thousand(stream: Any) -> str:
    most = 0

    async def count(_: int) -> None:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await checkpoint()

    await collect(stream, count, list(range(1000)), 10)
    return "about 10" if most < 30 else "1,000" if most >= 1000 else str(most)


@tried("nothing goes on after an error", MAPS)
async def nothing_goes_on(stream: Any) -> bool:
    done = False

    async def fail(number: int) -> None:
        nonlocal done
        await anyio.sleep(0.01)
        if number == 0:
            raise ConnectionError
        await anyio.sleep(0.05)
        done = True

    with suppress(ConnectionError):  # which says as well that it comes as it is, not in a group
        await collect(stream, fail, [0, 1])
    await anyio.sleep(0.1)
    return not done
