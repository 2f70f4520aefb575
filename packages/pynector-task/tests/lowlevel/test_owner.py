"""What `spawn_owner` promises."""

from __future__ import annotations

import gc
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import current_task, spawn_owner
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio

Backend = tuple[str, dict[str, object]]


async def test_owner_outlives_the_scope_and_the_task_that_spawned_it() -> None:
    ended = anyio.Event()
    gate = anyio.Event()

    async def own() -> None:
        await gate.wait()
        ended.set()

    async def spawn() -> None:
        spawn_owner(own, name="owner")

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tg:
            tg.start_soon(spawn)
        scope.cancel()

    gate.set()
    with anyio.fail_after(1):
        await ended.wait()


async def test_owner_is_a_task_of_that_name_and_runs_in_a_copy_of_the_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("spawner's")
    seen: list[str] = []
    ended = anyio.Event()
    task: object = None

    async def own() -> None:
        nonlocal task
        task = current_task()
        seen.append(variable.get())
        variable.set("owner's")
        ended.set()

    owner = spawn_owner(own, name="the owner")
    await ended.wait()

    assert task is owner
    assert owner.get_name() if hasattr(owner, "get_name") else owner.name == "the owner"
    assert seen == ["spawner's"]
    assert variable.get() == "spawner's"


async def test_owner_is_kept_alive() -> None:
    ended: list[bool] = []

    class Waiter:
        def __init__(self) -> None:
            self.event = anyio.Event()

        async def own(self) -> None:
            try:
                await self.event.wait()
            finally:
                ended.append(True)

    spawn_owner(Waiter().own, name="owner")
    await wait_until_blocked()
    gc.collect()
    await checkpoint()

    assert not ended


def test_owner_is_cancelled_at_the_end_of_the_run(anyio_backend: Backend) -> None:
    name, options = anyio_backend
    ended: list[BaseException] = []

    async def own() -> None:
        try:
            await anyio.sleep_forever()
        except BaseException as error:
            ended.append(error)
            raise

    async def main() -> type[BaseException]:
        spawn_owner(own, name="owner")
        await wait_until_blocked()
        return anyio.get_cancelled_exc_class()

    cancelled = anyio.run(main, backend=name, backend_options=options)

    assert [type(error) for error in ended] == [cancelled]


def test_without_an_event_loop_there_is_none() -> None:
    async def own() -> None: ...

    with pytest.raises(anyio.NoEventLoopError):
        spawn_owner(own, name="owner")


@pytest.mark.parametrize("errors", [[KeyboardInterrupt()], [KeyboardInterrupt(), ValueError()]])
def test_an_interrupt_in_an_owner_ends_the_run_as_any_other(
    anyio_backend: Backend, errors: list[BaseException]
) -> None:
    name, options = anyio_backend

    async def fail(error: BaseException) -> None:
        raise error

    async def own() -> None:
        async with create_task_group() as tg:
            for error in errors:
                tg.start_soon(fail, error)

    async def main() -> None:
        spawn_owner(own, name="owner")
        await anyio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        anyio.run(main, backend=name, backend_options=options)
