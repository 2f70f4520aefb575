"""What is tried of retries."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import stamina
import tenacity
import trio

from pynector.concurrency.patterns import RetryPolicy

from .maps import succeeds
from .tried import tried


class Ours:
    @staticmethod
    def retry(on: Any = ConnectionError, attempts: int = 3, pause: float = 0.001, **options: Any) -> Any:
        pauses = {"backoff": pause, "max_backoff": pause, "jitter": 0.0}
        return RetryPolicy(retry_on=on, attempts=attempts, before_sleep=None, **pauses, **options).wrap

    unlimited = staticmethod(RetryPolicy(before_sleep=None, backoff=0.0).wrap)

    @staticmethod
    def in_all(seconds: float) -> Any:
        return Ours.retry(total_timeout=seconds)


class Staminas:
    @staticmethod
    def retry(on: Any = ConnectionError, attempts: int = 3, pause: float = 0.001, **options: Any) -> Any:
        return stamina.retry(
            on=on, attempts=attempts, wait_initial=pause, wait_max=pause, wait_jitter=0, **options
        )

    unlimited = staticmethod(stamina.retry(on=Exception, wait_initial=0.0, wait_max=0.0, wait_jitter=0.0))

    @staticmethod
    def in_all(seconds: float) -> Any:
        return Staminas.retry(timeout=seconds)


class Tenacitys:
    @staticmethod
    def retry(on: Any = ConnectionError, attempts: int = 3, pause: float = 0.001) -> Any:
        kind = tenacity.retry_if_exception_type if isinstance(on, type) else tenacity.retry_if_exception
        return tenacity.retry(
            retry=kind(on),
            stop=tenacity.stop_after_attempt(attempts),
            wait=tenacity.wait_fixed(pause),
            reraise=True,
        )

    unlimited = staticmethod(tenacity.retry)

    @staticmethod
    def in_all(seconds: float) -> Any:
        return tenacity.retry(stop=tenacity.stop_after_delay(seconds))


RETRIES = {"pynector": Ours, "stamina": Staminas, "tenacity": Tenacitys}


class Failing:
    """Fails so many times, then answers; keeps count."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.calls = 0
        self._times = times
        self._error = error or ConnectionError("reset")

    def call(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "answer"

    def as_async(self) -> Callable[[], Awaitable[str]]:
        async def fetch() -> str:
            return self.call()

        return fetch


@tried("runs on trio", RETRIES)
async def runs_on_trio(library: Any) -> bool:
    return await anyio.to_thread.run_sync(succeeds, trio.run, library.retry()(Failing(1).as_async()))


@tried("retries functions that are not async", RETRIES)
async def retries_sync_functions(library: Any) -> bool:
    failing = Failing(1)

    def fetch() -> str:
        return failing.call()

    try:
        return bool(library.retry()(fetch)() == "answer")
    except TypeError:
        return False


@tried("tries by default", RETRIES)
async def tries_by_default(library: Any) -> str:
    failing = Failing(1_000_000)
    with anyio.move_on_after(0.3):
        try:
            await library.unlimited(failing.as_async())()
        except ConnectionError:
            return f"{failing.calls} times"
    assert failing.calls > 100
    return "for ever"


@tried("a limit for all attempts interrupts", RETRIES)
async def total_limit_interrupts(library: Any) -> bool:
    interrupted = True

    @library.in_all(0.05)
    async def fetch() -> None:
        nonlocal interrupted
        await anyio.sleep(0.2)
        interrupted = False

    with suppress(TimeoutError):
        await fetch()
    return interrupted


@tried("begins no pause that the scope around it would cut", RETRIES)
async def no_useless_pause(library: Any) -> bool:
    with anyio.move_on_after(0.1):
        try:
            await library.retry(pause=10.0)(Failing(1).as_async())()
        except ConnectionError:
            return True
    return False


@tried("leaves an asyncio cancellation alone, whatever the predicate", RETRIES)
async def leaves_cancellation_alone(library: Any) -> bool:
    calls = 0

    @library.retry(on=lambda error: True, attempts=2)
    async def fetch() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)

    task = asyncio.create_task(fetch())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    return calls == 1


@tried("a predicate may give the pause", RETRIES)
async def predicate_gives_the_pause(library: Any) -> bool:
    started = anyio.current_time()
    await library.retry(on=lambda error: 0.2)(Failing(1).as_async())()
    return anyio.current_time() - started > 0.15


@tried("retries a group of nothing but such errors", RETRIES)
async def retries_groups(library: Any) -> bool:
    failing = Failing(1, ExceptionGroup("all", [ConnectionError("reset")]))
    try:
        await library.retry()(failing.as_async())()
    except ExceptionGroup:
        return False
    return True


@tried("the error raised tells of the earlier ones", RETRIES)
async def tells_of_earlier_errors(library: Any) -> bool:
    errors = [ConnectionError("last"), ConnectionError("second"), ConnectionError("first")]

    @library.retry()
    async def fetch() -> None:
        raise errors.pop()

    try:
        await fetch()
    except ConnectionError as error:
        return "first" in " ".join(getattr(error, "__notes__", []))
    raise AssertionError("no error")
