"""shield() runs a call to its end, whatever is cancelled outside."""

import asyncio

import anyio
import anyio.lowlevel
import pytest

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.errors import shield
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


async def add(left: int, *, right: int) -> int:
    await anyio.lowlevel.checkpoint()
    return left + right


async def test_it_passes_arguments_and_gives_the_result() -> None:
    assert await shield(add, 1, right=2) == 3


async def test_it_runs_to_its_end_in_a_cancelled_scope() -> None:
    with CancelScope() as scope:
        scope.cancel()
        result = await shield(add, 1, right=2)
        await anyio.lowlevel.checkpoint()
        pytest.fail("the cancellation was lost")

    assert result == 3
    assert scope.cancelled_caught


async def test_it_runs_to_its_end_if_a_scope_is_cancelled_meanwhile() -> None:
    async def wait() -> None:
        await release.wait()
        log.append("done")

    async def run() -> None:
        with scope:
            await shield(wait)
            await anyio.lowlevel.checkpoint()
            log.append("not cancelled")

    log: list[str] = []
    scope, release = CancelScope(), anyio.Event()
    async with anyio.create_task_group() as tg:
        tg.start_soon(run)
        await wait_until_blocked()
        scope.cancel()
        await wait_until_blocked()
        assert log == []
        release.set()

    assert log == ["done"]


async def test_it_holds_against_a_deadline_that_passes_meanwhile() -> None:
    with move_on_after(0.001) as scope:
        await shield(anyio.sleep, 0.005)
        done = True

    assert done
    assert not scope.cancelled_caught


async def test_an_error_of_the_call_comes_out() -> None:
    async def fail() -> None:
        raise ValueError("of the call")

    with pytest.raises(ValueError, match="of the call"):
        await shield(fail)


async def test_a_cancellation_inside_the_call_works() -> None:
    async def move_on() -> bool:
        with move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        return scope.cancelled_caught

    assert await shield(move_on)


async def test_what_cannot_be_called_is_refused() -> None:
    coro = add(1, right=2)

    with pytest.raises(TypeError) as refusal:
        await shield(coro)  # type: ignore[arg-type]
    coro.close()

    assert str(refusal.value) == (
        f"func must be callable, not {coro!r}; pass the function itself, without calling it"
    )


@pytest.mark.on("asyncio")
async def test_a_native_cancellation_of_the_task_is_not_held_back() -> None:
    task = asyncio.create_task(shield(anyio.sleep_forever))
    await wait_until_blocked()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_function_that_is_not_async_is_told() -> None:
    with pytest.raises(TypeError, match=r"^func must be an async function: it gave 3, which"):
        await shield(sum, (1, 2))  # type: ignore[arg-type]
