"""The specification's tests of task groups, under its names."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pynector.concurrency.task import TASK_STATUS_IGNORED, TaskGroup, TaskStatus, create_task_group

pytestmark = pytest.mark.asyncio


def failing(error: Exception) -> Callable[[], Any]:
    async def fail() -> None:
        raise error

    return fail


async def test_task_group_creation() -> None:
    async with create_task_group() as tg:
        assert isinstance(tg, TaskGroup)


async def test_task_group_start_soon() -> None:
    async def note(value: int) -> None:
        values.append(value)

    values: list[int] = []
    async with create_task_group() as tg:
        for value in (1, 2, 3):
            await tg.start_soon(note, value)

    assert sorted(values) == [1, 2, 3]


async def test_task_group_start() -> None:
    async def serve(task_status: TaskStatus[int] = TASK_STATUS_IGNORED) -> str:
        await task_status.started(42)
        await anyio.sleep(0.01)
        return "done"

    async with create_task_group() as tg:
        assert await tg.start(serve) == 42


async def test_task_group_outside_context() -> None:
    async def nothing() -> None:
        pytest.fail("was started")

    group = await create_task_group()

    with pytest.raises(RuntimeError):
        await group.start_soon(nothing)
    with pytest.raises(RuntimeError):
        await group.start(nothing)


async def test_task_group_error_propagation() -> None:
    with pytest.raises(ValueError, match="Task failed"):
        async with create_task_group() as tg:
            await tg.start_soon(failing(ValueError("Task failed")))


async def test_task_group_multiple_errors() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            await tg.start_soon(failing(ValueError("one")))
            await tg.start_soon(failing(RuntimeError("two")))

    assert {type(error) for error in caught.value.exceptions} == {ValueError, RuntimeError}
