"""The running task, its clock, its checkpoint, and the watch on its end."""

import math
import threading
from typing import Any

import anyio
import pytest

from pynector.concurrency.task.lowlevel import (
    cancel_scope,
    checkpoint,
    current_task,
    current_time,
    task_getter,
    time_getter,
    unwatch_exit,
    watch_exit,
)
from pynector.concurrency.testing import explore, wait_until_blocked


@pytest.mark.anyio
async def test_current_task_is_the_native_task() -> None:
    assert id(current_task()) == anyio.get_current_task().id


@pytest.mark.anyio
async def test_each_task_is_its_own_current_task() -> None:
    async def note() -> None:
        tasks.append(current_task())

    tasks: list[Any] = [current_task()]
    async with anyio.create_task_group() as tg:
        tg.start_soon(note)
        tg.start_soon(note)

    assert len({id(task) for task in tasks}) == 3


@pytest.mark.anyio
async def test_task_asker_gives_what_tells_the_running_task() -> None:
    ask, told = task_getter(), list[Any]()

    async def tell() -> None:
        told.append(ask() is current_task())

    async with anyio.create_task_group() as tg:
        tg.start_soon(tell)
        tg.start_soon(tell)

    assert told == [True, True]
    assert ask() is current_task()


@pytest.mark.anyio
async def test_current_time_is_that_of_the_event_loop() -> None:
    before = anyio.current_time()

    assert before <= current_time() <= anyio.current_time()


@pytest.mark.anyio
async def test_time_asker_gives_what_tells_the_time() -> None:
    before = anyio.current_time()
    ask = time_getter()

    assert before <= ask() <= anyio.current_time() + 0.002  # uvloop rounds down, once in a turn


def test_time_asker_tells_the_time_of_a_schedule() -> None:
    async def scenario() -> None:
        ask = time_getter()
        began = ask()
        await anyio.sleep(3600)
        assert ask() == began + 3600 == current_time()

    explore(scenario, schedules=10).check()


@pytest.mark.parametrize(
    "call", [current_task, current_time, time_getter, checkpoint, lambda: cancel_scope(None)]
)
def test_outside_an_event_loop_they_are_refused(call: Any) -> None:
    with pytest.raises(anyio.NoEventLoopError, match=r"^no task is running here; call this from an async"):
        call()


@pytest.mark.anyio
async def test_checkpoint_lets_other_tasks_run() -> None:
    async def note() -> None:
        steps.append("other")

    steps: list[str] = []
    async with anyio.create_task_group() as tg:
        tg.start_soon(note)
        await checkpoint()
        await checkpoint()  # trio runs the tasks of one turn in any order
        steps.append("self")

    assert steps == ["other", "self"]


@pytest.mark.anyio
async def test_checkpoint_raises_a_cancellation() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await checkpoint()
        pytest.fail("not cancelled")

    assert scope.cancelled_caught


class Watch:
    """A task that waits to be let go, and who was called when it ended."""

    def __init__(self) -> None:
        self.task: Any = None
        self.ended: list[Any] = []
        self.release = anyio.Event()

    async def run(self) -> None:
        self.task = current_task()
        await self.release.wait()

    def note(self, task: Any) -> None:
        self.ended.append(task)


@pytest.mark.anyio
async def test_watch_exit_calls_back_with_the_task_when_it_ends() -> None:
    watch = Watch()

    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run)
        await wait_until_blocked()
        watch_exit(watch.task, watch.note)
        await wait_until_blocked()
        assert watch.ended == []
        watch.release.set()
        await wait_until_blocked()

    assert watch.ended == [watch.task]


@pytest.mark.anyio
async def test_watch_exit_calls_back_when_the_task_is_cancelled() -> None:
    watch = Watch()

    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run)
        await wait_until_blocked()
        watch_exit(watch.task, watch.note)
        tg.cancel_scope.cancel()
    await wait_until_blocked()

    assert watch.ended == [watch.task]


@pytest.mark.anyio
async def test_unwatch_exit_takes_the_watch_back() -> None:
    watch = Watch()

    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run)
        await wait_until_blocked()
        watch_exit(watch.task, watch.note)
        unwatch_exit(watch.task, watch.note)
        watch.release.set()
    await wait_until_blocked()

    assert watch.ended == []


@pytest.mark.anyio
async def test_unwatch_exit_of_another_callback_leaves_the_watch() -> None:
    watch = Watch()

    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run)
        await wait_until_blocked()
        watch_exit(watch.task, watch.note)
        unwatch_exit(watch.task, print)
        watch.release.set()
    await wait_until_blocked()

    assert watch.ended == [watch.task]


@pytest.mark.anyio
async def test_unwatch_exit_without_a_watch_does_nothing() -> None:
    watch = Watch()

    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run)
        await wait_until_blocked()
        unwatch_exit(watch.task, watch.note)
        watch.release.set()
    await wait_until_blocked()
    unwatch_exit(watch.task, watch.note)

    assert watch.ended == []


@pytest.mark.anyio
async def test_watch_exit_of_a_task_that_has_ended_is_refused() -> None:
    watch = Watch()
    watch.release.set()
    async with anyio.create_task_group() as tg:
        tg.start_soon(watch.run, name="gone")

    with pytest.raises(anyio.BrokenResourceError, match=r"^task 'gone' has ended$"):
        watch_exit(watch.task, watch.note)


@pytest.mark.parametrize("here", ["asyncio", "trio"])
@pytest.mark.parametrize("there", ["asyncio", "trio"])
def test_watch_exit_of_a_task_of_another_event_loop_is_refused(here: str, there: str) -> None:
    async def watch_one_of_another_thread() -> None:
        async with anyio.create_task_group() as tg:
            tg.start_soon(anyio.to_thread.run_sync, lambda: anyio.run(wait_to_be_watched, backend=there))
            await anyio.to_thread.run_sync(ready.wait)
            try:
                with pytest.raises(RuntimeError, match="to another event loop or thread than this"):
                    watch_exit(tasks[0], print)
            finally:
                done.set()

    async def wait_to_be_watched() -> None:
        tasks.append(current_task())
        ready.set()
        await anyio.to_thread.run_sync(done.wait)

    tasks: list[Any] = []
    ready, done = threading.Event(), threading.Event()
    anyio.run(watch_one_of_another_thread, backend=here)


@pytest.mark.anyio
async def test_cancel_scope_is_a_scope_of_anyio_that_counts_from_now() -> None:
    with cancel_scope(0.001) as scope:
        await anyio.sleep_forever()

    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_cancel_scope_without_seconds_has_no_limit_and_may_shield() -> None:
    with cancel_scope(None) as outer:
        with cancel_scope(None, shield=True) as inner:
            outer.cancel()
            await checkpoint()
        assert inner.deadline == math.inf

    assert outer.cancelled_caught or outer.cancel_called
