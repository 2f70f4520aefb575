"""A second try while the first is slow."""

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from pynector.concurrency.patterns import RetryPolicy, hedge
from pynector.concurrency.testing import cancel_everywhere, explore, run_in_virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Service:
    """Takes so many seconds to answer with them; a negative number fails instead."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.began: list[float] = []
        self.ended = 0
        self.cancelled = 0

    async def __call__(self) -> float:
        self.began.append(anyio.current_time())
        seconds = self.seconds.pop(0)
        try:
            await anyio.sleep(abs(seconds))
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.ended += 1
        if seconds < 0:
            raise ConnectionError(f"failure after {-seconds} s")
        return seconds

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.began, self.began[1:], strict=False)]


async def test_an_answer_in_time_needs_one_attempt() -> None:
    calls = Service(1)

    assert await hedge(calls, delay=2) == 1
    assert len(calls.began) == 1


async def test_arguments_are_handed_on() -> None:
    async def add(one: int, two: int) -> int:
        return one + two

    assert await hedge(add, 1, 2, delay=2) == 3


async def test_while_the_first_is_slow_another_is_tried_and_the_first_success_wins() -> None:
    calls = Service(10, 1)
    started = anyio.current_time()

    assert await hedge(calls, delay=2) == 1
    assert anyio.current_time() - started == 3
    assert (calls.cancelled, calls.ended) == (1, 2)


async def test_the_first_attempt_may_win_after_all() -> None:
    calls = Service(3, 10)

    assert await hedge(calls, delay=2) == 3
    assert (calls.cancelled, calls.ended) == (1, 2)


async def test_attempts_begin_delay_after_delay_and_no_more_than_max_attempts() -> None:
    calls = Service(100, 100, 100, 100)

    assert await hedge(calls, delay=2, max_attempts=4) == 100
    assert calls.pauses == [2, 2, 2]


async def test_one_that_fails_makes_the_next_begin_at_once() -> None:
    calls = Service(-1, 1)
    started = anyio.current_time()

    assert await hedge(calls, delay=60) == 1
    assert anyio.current_time() - started == 2


async def test_each_of_two_that_fail_in_one_turn_makes_another_begin_at_once() -> None:
    calls: list[float] = []
    started = anyio.current_time()
    may_fail = anyio.Event()

    async def fetch() -> int:
        number = len(calls)
        calls.append(anyio.current_time() - started)
        if number == 0:
            await may_fail.wait()
            raise ConnectionError
        if number == 1:
            await anyio.sleep(1)
            may_fail.set()
            await anyio.lowlevel.checkpoint()
            raise ConnectionError
        await anyio.sleep(100 * (number == 2))
        return number

    assert await hedge(fetch, delay=10, max_attempts=4) == 3
    assert calls == [0, 10, 11, 11]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
@pytest.mark.parametrize("failures", [0, 1])
def test_an_eager_attempt_that_ends_as_it_is_begun_is_not_waited_for(failures: int) -> None:
    answers: list[Exception | str] = [ConnectionError(), "answer"][1 - failures :]

    async def fetch() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def call() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        started = anyio.current_time()
        assert await hedge(fetch, delay=60) == "answer"
        assert anyio.current_time() == started

    run_in_virtual_time(call)


async def test_a_failure_does_not_end_the_others() -> None:
    assert await hedge(Service(10, -1), delay=2) == 10


async def test_none_begins_after_a_success_in_the_same_tick_as_a_failure() -> None:
    calls = Service(3, -1, 1)

    assert await hedge(calls, delay=2, max_attempts=3) == 3
    assert len(calls.began) == 2


async def test_if_all_fail_the_last_error_is_raised_with_the_others_as_notes() -> None:
    with pytest.raises(ConnectionError, match="failure after 5 s") as caught:
        await hedge(Service(-5, -1), delay=2)
    assert caught.value.__notes__ == [
        "all 2 attempts failed",
        "another attempt: ConnectionError: failure after 1 s",
    ]


async def test_one_attempt_alone_fails_as_it_is() -> None:
    with pytest.raises(ConnectionError, match="failure after 1 s") as caught:
        await hedge(Service(-1), delay=2, max_attempts=1)
    assert not hasattr(caught.value, "__notes__")


async def test_a_cancellation_cancels_all_attempts() -> None:
    calls = Service(10, 10)

    with anyio.move_on_after(5) as scope:
        await hedge(calls, delay=2)
    assert scope.cancelled_caught
    assert (calls.cancelled, calls.ended) == (2, 2)


async def test_each_attempt_has_a_context_of_its_own() -> None:
    variable = ContextVar("variable", default=0)
    seen = list[int]()

    async def fetch() -> None:
        seen.append(variable.get())
        variable.set(1)
        await anyio.sleep(3)

    await hedge(fetch, delay=2)
    assert seen == [0, 0]


async def test_attempts_may_be_retried() -> None:
    policy = RetryPolicy(attempts=2, backoff=0, before_sleep=None)

    assert await hedge(policy, Service(-1, 1), delay=60, max_attempts=1) == 1


@pytest.mark.parametrize("virtual_time", ["asyncio"], indirect=True)
async def test_attempts_that_were_cancelled_natively_are_no_answer() -> None:
    async def fetch() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await anyio.sleep(1)

    with pytest.raises(anyio.TaskCancelled, match="not by the caller"):
        await hedge(fetch, delay=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: hedge(1, delay=1), TypeError, r"func must be callable, not 1"),  # type: ignore[arg-type]
        (lambda: hedge(Service(), delay=-1), ValueError, r"delay must be >= 0 seconds, not -1"),
        (lambda: hedge(Service(), delay=1, max_attempts=0), ValueError, r"max_attempts must be >= 1, not 0"),
    ],
)
async def test_wrong_arguments_are_refused(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        await call()


async def hedged_calls() -> None:
    """Every attempt has ended when the call has; no more began than may; an answer is one that was given."""

    async def call(*seconds: float) -> None:
        calls = Service(*seconds)
        try:
            with suppress(ConnectionError):
                assert await hedge(calls, delay=1, max_attempts=3) in seconds
        finally:
            assert calls.ended == len(calls.began) <= 3

    async with anyio.create_task_group() as tg:
        tg.start_soon(call, 5, 1, 5)
        tg.start_soon(call, -1, 2, 1)
        tg.start_soon(call, -1, -1, -1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_attempt_outlives_the_call_in_any_order(backend: str) -> None:
    explore(hedged_calls, schedules=100, backend=backend).check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_attempt_outlives_the_call_wherever_it_is_cancelled(backend: str) -> None:
    cancel_everywhere(hedged_calls, victims=lambda name: name.endswith("call"), backend=backend).check()


async def test_a_function_that_is_not_async_is_named() -> None:
    def fetch(number: int) -> int:
        return number

    with pytest.raises(
        TypeError, match=r"^func must be an async function: .*fetch\(\) gave 5, which cannot be awaited$"
    ):
        await hedge(fetch, 5, delay=1, max_attempts=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("args", [(1,), (1, 2)])
async def test_a_wrong_call_is_made_once(args: tuple[int, ...]) -> None:
    calls: list[int] = []

    def plain(number: int) -> int:
        calls.append(number)
        return number

    with pytest.raises(TypeError) as caught:
        await hedge(plain, *args, delay=0.1, max_attempts=4)  # type: ignore[call-overload,arg-type]

    assert len(calls) == (len(args) == 1)
    assert getattr(caught.value, "__notes__", []) == []


async def test_a_type_error_of_the_answer_is_a_failure_like_others() -> None:
    class Answer:
        def __await__(self) -> Generator[Any, Any, str]:
            calls.append(1)
            if len(calls) == 1:
                raise TypeError("bad row")
            return "ok"
            yield

    calls: list[int] = []

    assert await hedge(Answer, delay=1) == "ok"
