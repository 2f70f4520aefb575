"""Starting children: what start_soon and create_task give, and what they refuse."""

import asyncio
import inspect
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import get_current_task

from pynector.concurrency.task import SpawnedTask, TaskHandle, create_task_group

pytestmark = pytest.mark.anyio

colour: ContextVar[str] = ContextVar("colour", default="none")


async def echo(value: str) -> str:
    await anyio.lowlevel.checkpoint()
    return value


async def own_name() -> str | None:
    return get_current_task().name


async def own_colour() -> str:
    await anyio.lowlevel.checkpoint()
    return colour.get()


class Greeter:
    """Can be called, and gives a coroutine."""

    async def __call__(self) -> str | None:
        return get_current_task().name


async def test_start_soon_schedules_at_the_call() -> None:
    log: list[str] = []

    async def child() -> None:
        log.append("child")

    async with create_task_group() as tg:
        tg.start_soon(child)

    assert log == ["child"]


async def test_start_soon_starts_children_that_pass_their_arguments() -> None:
    log: list[tuple[int, str]] = []

    async def child(number: int, text: str) -> None:
        log.append((number, text))

    async with create_task_group() as tg:
        await tg.start_soon(child, 1, "one")

    assert log == [(1, "one")]


async def test_awaiting_start_soon_gives_the_handle_without_waiting_for_the_child() -> None:
    async with create_task_group() as tg:
        spawned = tg.start_soon(anyio.sleep_forever)
        handle = await spawned
        tg.cancel()

    assert isinstance(spawned, SpawnedTask)
    assert isinstance(handle, TaskHandle)


async def test_awaiting_start_soon_is_no_checkpoint() -> None:
    async with create_task_group() as tg:
        tg.cancel()
        await tg.start_soon(echo, "value")
        reached = True

    assert reached


async def test_awaiting_start_soon_twice_gives_a_handle_of_the_same_child() -> None:
    async with create_task_group() as tg:
        spawned = tg.start_soon(echo, "value")
        first, second = await spawned, await spawned

    assert first.coro is second.coro is spawned.coro


async def test_awaiting_the_handle_gives_the_return_value() -> None:
    async with create_task_group() as tg:
        assert await (await tg.start_soon(echo, "value")) == "value"


async def test_create_task_gives_the_handle_itself() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(echo("value"))
        assert isinstance(handle, TaskHandle)
        assert await handle == "value"


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (own_name, f"{__name__}.own_name"),
        (partial(partial(own_name)), f"{__name__}.own_name"),
        (Greeter(), f"{__name__}.Greeter"),
        (Greeter().__call__, f"{__name__}.Greeter.__call__"),
    ],
)
async def test_start_soon_names_the_task_after_the_function(func: Any, name: str) -> None:
    async with create_task_group() as tg:
        spawned = tg.start_soon(func)
        assert await (await spawned) == name

    assert spawned.name == name


async def test_create_task_names_the_task_after_the_coroutine() -> None:
    async with create_task_group() as tg:
        handle = tg.create_task(own_name())
        assert await handle == handle.name == f"{__name__}.own_name"


async def test_a_name_of_ones_own_is_kept_as_a_string() -> None:
    async with create_task_group() as tg:
        assert await (await tg.start_soon(own_name, name=7)) == "7"
        assert await tg.create_task(own_name(), name="seven") == "seven"


async def test_a_child_runs_in_a_copy_of_the_current_context() -> None:
    async with create_task_group() as tg:
        colour.set("red")
        handle = tg.create_task(own_colour())
        colour.set("blue")
        assert await handle == "red"


async def test_create_task_runs_the_child_in_the_context_that_is_given() -> None:
    context = copy_context()
    context.run(colour.set, "green")

    async with create_task_group() as tg:
        assert await tg.create_task(own_colour(), context=context) == "green"


async def test_start_soon_refuses_a_function_that_gives_no_coroutine() -> None:
    async with create_task_group() as tg:
        with pytest.raises(TypeError) as refusal:
            tg.start_soon(len, "abc")  # type: ignore[arg-type]

    assert str(refusal.value) == (
        "Expected builtins.len() to return a coroutine, but the return value (3) is not a coroutine object"
    )


async def test_create_task_refuses_what_is_no_coroutine() -> None:
    async with create_task_group() as tg:
        with pytest.raises(TypeError) as refusal:
            tg.create_task(echo)  # type: ignore[arg-type]

    assert str(refusal.value) == f"expected a coroutine, got {echo!r}; call the async function first"


async def test_a_function_that_raises_when_called_raises_out_of_start_soon() -> None:
    def broken() -> Coroutine[Any, Any, None]:
        raise ValueError("no coroutine today")

    async with create_task_group() as tg:
        with pytest.raises(ValueError, match="no coroutine today"):
            tg.start_soon(broken)


async def test_a_coroutine_that_was_used_before_fails_as_a_child() -> None:
    coro = echo("value")
    await coro

    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        async with create_task_group() as tg:
            tg.create_task(coro)


async def test_a_coroutine_given_twice_fails_as_a_child() -> None:
    coro = echo("value")

    with pytest.raises(RuntimeError, match="already"):
        async with create_task_group() as tg:
            tg.create_task(coro)
            tg.create_task(coro)


@pytest.mark.on("asyncio")
async def test_a_loop_that_makes_no_task_has_the_coroutine_closed() -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no tasks today")

    coro = echo("value")
    async with create_task_group() as tg:
        loop = asyncio.get_running_loop()
        factory = loop.get_task_factory()
        loop.set_task_factory(refuse)  # type: ignore[arg-type]
        try:
            with pytest.raises(RuntimeError, match="no tasks today"):
                tg.create_task(coro)
        finally:
            loop.set_task_factory(factory)

    assert inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED
