"""The event loop itself: asyncio's contract where it keeps it, and the names of asyncio it leans on."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from pynector.concurrency.testing import ControlledLoop, Stuck


@pytest.fixture
def loop() -> Iterator[ControlledLoop]:
    loop = ControlledLoop()
    yield loop
    loop.close()


def test_the_private_names_of_asyncio_are_still_there() -> None:
    """If this fails on a new Python, `_loop.py` has to follow."""
    assert list(inspect.signature(asyncio.Handle._run).parameters) == ["self"]
    assert "_timer_handle_cancelled" in inspect.getsource(asyncio.TimerHandle.cancel)
    assert callable(asyncio._set_running_loop)
    assert callable(asyncio._get_running_loop)


def test_steps_of_tasks_are_told_from_callbacks(loop: ControlledLoop) -> None:
    owners: list[object] = []

    class Spy(ControlledLoop):
        def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
            owners.append(getattr(callback, "__self__", None))
            return super().call_soon(callback, *args, context=context)

    async def main() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(1)

    with asyncio.Runner(loop_factory=Spy) as runner:
        runner.run(main())

    assert sum(isinstance(owner, asyncio.Task) for owner in owners) >= 3


def test_anyio_runs_on_it() -> None:
    async def main() -> float:
        await anyio.sleep(3600)
        return anyio.current_time()

    assert anyio.run(main, backend_options={"loop_factory": ControlledLoop}) == 3600


def test_callbacks_run_in_order(loop: ControlledLoop) -> None:
    called: list[int] = []
    loop.call_soon(called.append, 1)
    loop.call_later(2, called.append, 4)
    loop.call_later(1, called.append, 3)
    loop.call_soon(called.append, 2)
    loop.call_later(3, loop.stop)

    loop.run_forever()

    assert called == [1, 2, 3, 4]
    assert loop.time() == 3


def test_cancelled_handles_do_not_run(loop: ControlledLoop) -> None:
    called: list[str] = []
    loop.call_soon(called.append, "soon").cancel()
    loop.call_later(1, called.append, "later").cancel()
    timer = loop.call_later(2, called.append, "tie")
    loop.call_at(1.5, lambda: None)
    loop.call_at(2, called.append, "end")
    loop.call_at(2, loop.stop)
    loop.call_at(1.9, timer.cancel)

    loop.run_forever()

    assert called == ["end"]


def test_a_timer_can_cancel_another_that_is_due_with_it(loop: ControlledLoop) -> None:
    called: list[str] = []
    timers: list[asyncio.TimerHandle] = []
    loop.call_at(1, lambda: timers[0].cancel())
    timers.append(loop.call_at(1, called.append, "cancelled"))
    loop.call_at(2, loop.stop)

    loop.run_forever()

    assert called == []


def test_it_stops_where_nothing_can_go_on(loop: ControlledLoop) -> None:
    async def main() -> None:
        await loop.create_future()

    task = loop.create_task(main())
    with pytest.raises(Stuck, match=r"no timer is left\n  main#0 waits at test_loop.py:\d+ in main"):
        loop.run_until_complete(task)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)


def test_another_thread_may_call_in(loop: ControlledLoop) -> None:
    async def main() -> str:
        future: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(future.set_result, "answer"))
        loop.call_soon(thread.start)
        answer = await future
        thread.join()
        return answer

    assert loop.run_until_complete(main()) == "answer"


def test_executors_work() -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor() as executor:
            first = await loop.run_in_executor(executor, int, "1")
        return first, await asyncio.to_thread(int, "2")

    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        assert runner.run(main()) == (1, 2)


def test_a_default_executor_can_be_given(loop: ControlledLoop) -> None:
    with ThreadPoolExecutor() as executor:
        loop.set_default_executor(executor)

        async def main() -> int:
            return await loop.run_in_executor(None, int, "3")

        assert loop.run_until_complete(main()) == 3


def test_asynchronous_generators_are_closed() -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(name)

    async def main() -> AsyncIterator[int]:
        async for _ in numbers("dropped"):
            break
        gc.collect()
        await asyncio.sleep(1)
        kept = numbers("kept")
        await anext(kept)
        return kept

    with asyncio.Runner(loop_factory=ControlledLoop) as runner:
        kept = runner.run(main())
        assert closed == ["dropped"]
    assert closed == ["dropped", "kept"]
    assert kept


def test_input_and_output_are_refused(loop: ControlledLoop) -> None:
    async def main() -> None:
        await asyncio.open_connection("localhost", 1)

    with pytest.raises(NotImplementedError, match="give the scenario a fake"):
        loop.run_until_complete(main())


def test_a_closed_loop_refuses(loop: ControlledLoop) -> None:
    loop.close()

    assert loop.is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)


def test_a_running_loop_refuses_to_run_or_close(loop: ControlledLoop) -> None:
    async def main() -> None:
        assert loop.is_running()
        with pytest.raises(RuntimeError, match="running"):
            loop.run_forever()
        with pytest.raises(RuntimeError, match="running"):
            loop.close()

    loop.run_until_complete(main())


def test_a_loop_that_is_stopped_leaves_its_future(loop: ControlledLoop) -> None:
    async def main() -> None:
        loop.stop()
        await asyncio.sleep(1)

    task = loop.create_task(main())
    with pytest.raises(RuntimeError, match="not done"):
        loop.run_until_complete(task)

    loop.run_until_complete(task)


def test_errors_in_callbacks_go_to_the_handler(
    loop: ControlledLoop, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[dict[str, Any]] = []

    def fail() -> None:
        raise ValueError("lost")

    loop.call_soon(fail)
    loop.call_soon(loop.stop)
    with caplog.at_level(logging.ERROR, "asyncio"):
        loop.run_forever()
    assert "ValueError('lost')" in caplog.text

    loop.set_exception_handler(lambda _, context: seen.append(context))
    assert loop.get_exception_handler() is not None
    loop.call_soon(fail)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert isinstance(seen[0]["exception"], ValueError)


def test_an_error_in_the_handler_of_errors_is_logged(
    loop: ControlledLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> str:
        def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            raise LookupError("in the handler")

        loop.set_exception_handler(fail)
        loop.call_exception_handler({"message": "something"})
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        return "went on"

    assert loop.run_until_complete(main()) == "went on"
    assert caplog.text.count("LookupError('in the handler')") == 2


def test_the_errors_of_generators_that_are_closed_go_to_the_handler(loop: ControlledLoop) -> None:
    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise LookupError(name)

    async def main() -> None:
        for name in ("first", "second"):
            generators.append(numbers(name))
            await anext(generators[-1])
        await loop.shutdown_asyncgens()

    generators: list[AsyncIterator[int]] = []
    seen: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    loop.run_until_complete(main())

    assert {(context["asyncgen"], str(context["exception"])) for context in seen} == {
        (generators[0], "first"),
        (generators[1], "second"),
    }
    assert "numbers" in seen[0]["message"]


def test_a_task_factory_is_used(loop: ControlledLoop) -> None:
    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(options)
        return asyncio.Task(coro, loop=loop, **options)

    async def main() -> int:
        await asyncio.sleep(0)
        return 1

    made: list[dict[str, Any]] = []
    loop.set_task_factory(factory)

    assert loop.get_task_factory() is factory
    assert loop.run_until_complete(main()) == 1
    assert len(made) == 1


def test_debug_is_remembered(loop: ControlledLoop) -> None:
    loop.set_debug(True)

    assert loop.get_debug()
    loop.run_until_complete(asyncio.sleep(1))
