"""Blocks that end in unusual ways: closed generators and coroutines, interrupts, a foreign task."""

import asyncio
import gc
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
import pytest
from anyio import TaskFailed

from pynector.concurrency.task import TaskGroup, TaskStatus, create_task_group
from pynector.concurrency.testing import wait_until_blocked

on_every_backend = pytest.mark.anyio

INTERRUPTED = """
import anyio, sys
from pynector.concurrency.task import create_task_group

async def child():
    try:
        await anyio.sleep_forever()
    finally:
        print("child ended", flush=True)

async def main():
    async with create_task_group() as tg:
        tg.start_soon(child)
        await anyio.wait_all_tasks_blocked()
        print("ready", flush=True)
        await anyio.sleep_forever()

try:
    anyio.run(main, backend=sys.argv[1])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Stop(BaseException):
    """Not an Exception."""


class Incomparable(Exception):
    """Cannot be compared, not even with itself."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]


async def raise_in_child(error: BaseException) -> None:
    async with create_task_group() as tg:
        tg.start_soon(anyio.sleep_forever)
        tg.start_soon(_raise, error)


async def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_of_the_program_ends_the_children_first(backend: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, backend], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "child ended\ninterrupted\n"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Stop])
def test_an_interrupt_in_a_child_leaves_unwrapped(backend: str, error: type[BaseException]) -> None:
    with pytest.raises(error):
        anyio.run(raise_in_child, error(), backend=backend)


@on_every_backend
async def test_a_generator_closed_inside_a_group_without_children_ends() -> None:
    async def numbers() -> AsyncIterator[int]:
        async with create_task_group() as tg:
            groups.append(tg)
            yield 1

    groups: list[TaskGroup] = []
    async with aclosing(numbers()) as generator:
        await anext(generator)

    assert repr(groups[0]) == "<TaskGroup left>"


@on_every_backend
async def test_a_generator_closed_inside_a_group_ends_the_children() -> None:
    async def child() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    async def numbers() -> AsyncIterator[int]:
        async with create_task_group() as tg:
            tg.start_soon(child)
            yield 1

    log: list[str] = []
    async with aclosing(numbers()) as generator:
        await anext(generator)
        await wait_until_blocked()

    assert log == ["ended"]


@on_every_backend
async def test_an_error_of_a_child_wins_over_the_closing_of_a_generator() -> None:
    async def numbers() -> AsyncIterator[int]:
        async with create_task_group() as tg:
            tg.start_soon(_raise_when_cancelled)
            yield 1

    async def _raise_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("of the child")

    with pytest.raises((ValueError, BaseExceptionGroup)) as caught:
        async with aclosing(numbers()) as generator:
            await anext(generator)
            await wait_until_blocked()

    assert "of the child" in repr(caught.value)


@pytest.mark.anyio
@pytest.mark.on("asyncio")
async def test_a_group_left_by_another_task_than_entered_it_is_refused() -> None:
    group = create_task_group()
    entered = asyncio.create_task(group.__aenter__())
    await entered

    with pytest.raises(RuntimeError):
        await group.__aexit__(None, None, None)

    assert repr(group) == "<TaskGroup left>"


@on_every_backend
async def test_a_failure_of_a_function_called_by_start_comes_out_unwrapped() -> None:
    def broken(*, task_status: TaskStatus[None]) -> None:
        raise ValueError("no coroutine today")

    async with create_task_group() as tg:
        with pytest.raises(ValueError, match="no coroutine today"):
            await tg.start(broken)  # type: ignore[arg-type]


@on_every_backend
async def test_a_failed_task_of_another_group_is_an_error_as_any_other() -> None:
    with pytest.raises(ValueError, match="of the child"):
        async with create_task_group() as other:
            handle = other.create_task(_raise(ValueError("of the child")))

    with pytest.raises(TaskFailed):
        async with create_task_group():
            await handle


@on_every_backend
async def test_a_body_that_swallows_its_cancellation_still_lets_the_error_out() -> None:
    with pytest.raises(ValueError, match="of the child"):
        async with create_task_group() as tg:
            tg.start_soon(_raise, ValueError("of the child"))
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                pass


@on_every_backend
async def test_an_error_of_the_body_that_handles_a_cancellation_is_told_together_with_the_child_s() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            tg.start_soon(_raise, ValueError("of the child"))
            try:
                await anyio.sleep_forever()
            finally:
                raise RuntimeError("of the body")

    assert {str(error) for error in caught.value.exceptions} == {"of the child", "of the body"}


@on_every_backend
async def test_causes_that_run_in_a_circle_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    with pytest.raises(ValueError, match="first"):
        async with create_task_group():
            raise first


@on_every_backend
async def test_errors_that_cannot_be_compared_nor_hashed_leave_as_any_other() -> None:
    with pytest.raises(Incomparable):
        async with create_task_group() as tg:
            handle = tg.create_task(_raise(Incomparable()))
            with anyio.CancelScope(shield=True):
                await handle.wait()
            assert handle.exception is not None
            raise handle.exception


@on_every_backend
async def test_a_thousand_failing_children_leave_in_one_group() -> None:
    async def fail(number: int) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError(number)

    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            for number in range(1000):
                tg.start_soon(fail, number)
            await wait_until_blocked()
            tg.cancel()

    assert len(caught.value.exceptions) == 1000


@on_every_backend
async def test_a_child_that_fails_while_the_group_is_cancelled_does_not_change_the_reason() -> None:
    async def fail() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("of the child")

    with pytest.raises(ValueError, match="of the child"):
        async with create_task_group() as tg:
            tg.start_soon(fail)
            await wait_until_blocked()
            tg.cancel_scope.cancel()

    assert tg.cancel_reason is None


@on_every_backend
async def test_another_thread_cannot_start_a_child_and_leaves_no_coroutine_behind() -> None:
    async with create_task_group() as tg:
        with pytest.raises(RuntimeError):
            await anyio.to_thread.run_sync(lambda: tg.start_soon(anyio.sleep, 0))
        gc.collect()


async def test_another_event_loop_cannot_start_a_child(anyio_backend_name: str) -> None:
    refusals: list[str] = []

    async def intrude() -> None:
        for call in (lambda: tg.start(anyio.sleep, 0), start_soon):
            try:
                await call()
            except RuntimeError as refusal:
                refusals.append(str(refusal))

    async def start_soon() -> None:
        tg.start_soon(anyio.sleep, 0)

    async with create_task_group() as tg:
        thread = threading.Thread(target=anyio.run, args=(intrude,), kwargs={"backend": anyio_backend_name})
        thread.start()
        await anyio.to_thread.run_sync(thread.join)

    assert len(refusals) == 2
    assert all(text.startswith("TaskGroup: starting a task in thread") for text in refusals)
