"""A group is new, then entered, then left; each state allows what its table says."""

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from pynector.concurrency.task import TaskGroup, create_task_group

pytestmark = pytest.mark.anyio


async def nothing(*, task_status: object = None) -> None:
    pass


async def left_group() -> TaskGroup:
    async with create_task_group() as tg:
        pass
    return tg


async def test_create_task_group_gives_a_task_group_of_anyio() -> None:
    async with create_task_group() as tg:
        assert isinstance(tg, TaskGroup)
        assert isinstance(tg, anyio.abc.TaskGroup)


async def test_entering_gives_the_group_itself() -> None:
    group = create_task_group()

    async with group as tg:
        assert tg is group


async def test_awaiting_gives_the_same_group_not_yet_entered() -> None:
    group = create_task_group()

    assert await group is group
    assert repr(group) == "<TaskGroup new>"
    async with group:
        pass


def test_outside_an_event_loop_there_is_no_group() -> None:
    with pytest.raises(anyio.NoEventLoopError):
        create_task_group()


@pytest.mark.parametrize("call", ["start_soon", "start"])
async def test_starting_in_a_new_group_is_refused(call: str) -> None:
    group = create_task_group()

    with pytest.raises(RuntimeError) as refusal:
        await getattr(group, call)(nothing)

    text = "This task group is not active; no new tasks can be started: it is new; enter it with 'async with'"
    assert str(refusal.value) == text


@pytest.mark.parametrize("call", ["start_soon", "start"])
async def test_starting_in_a_left_group_is_refused(call: str) -> None:
    group = await left_group()

    with pytest.raises(RuntimeError, match="it is left"):
        await getattr(group, call)(nothing)


async def test_create_task_in_a_new_group_is_refused_and_closes_the_coroutine() -> None:
    coro = nothing()

    with pytest.raises(RuntimeError, match="it is new"):
        create_task_group().create_task(coro)

    assert coro.cr_frame is None


async def test_create_task_in_a_left_group_is_refused_and_closes_the_coroutine() -> None:
    group, coro = await left_group(), nothing()

    with pytest.raises(RuntimeError, match="it is left"):
        group.create_task(coro)

    assert coro.cr_frame is None


async def test_a_group_that_is_entered_cannot_be_entered() -> None:
    async with create_task_group() as tg:
        with pytest.raises(RuntimeError) as refusal:
            async with tg:
                pytest.fail("entered twice")

    assert str(refusal.value) == "TaskGroup cannot be entered more than once; it is entered"


async def test_a_group_that_was_left_cannot_be_entered() -> None:
    group = await left_group()

    with pytest.raises(RuntimeError, match="more than once; it is left"):
        async with group:
            pytest.fail("entered twice")


async def test_repr_tells_the_state() -> None:
    group = create_task_group()
    async with group:
        entered = repr(group)

    assert entered == "<TaskGroup entered>"
    assert repr(group) == "<TaskGroup left>"


async def test_cancel_scope_of_a_new_group_is_refused() -> None:
    with pytest.raises(RuntimeError) as refusal:
        _ = create_task_group().cancel_scope

    assert str(refusal.value) == "task group is not entered; it has no cancel scope yet"


async def test_cancel_scope_is_a_scope_of_anyio_around_the_body() -> None:
    async with create_task_group() as tg:
        assert isinstance(tg.cancel_scope, anyio.CancelScope)
        tg.cancel_scope.cancel()
        await anyio.sleep_forever()

    assert tg.cancel_scope.cancelled_caught


async def test_deadline_of_the_cancel_scope_is_on_the_clock_of_the_event_loop() -> None:
    async with create_task_group() as tg:
        tg.cancel_scope.deadline = anyio.current_time() + 0.01
        await anyio.sleep_forever()

    assert tg.cancel_scope.cancelled_caught


async def test_leaving_waits_for_all_children() -> None:
    ended = []

    async def child(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        ended.append(number)

    async with create_task_group() as tg:
        for number in range(3):
            tg.start_soon(child, number)

    assert sorted(ended) == [0, 1, 2]


async def test_leaving_waits_for_children_of_children() -> None:
    ended = []

    async def child(tg: TaskGroup, depth: int) -> None:
        await anyio.lowlevel.checkpoint()
        if depth:
            tg.start_soon(child, tg, depth - 1)
        ended.append(depth)

    async with create_task_group() as tg:
        tg.start_soon(child, tg, 3)

    assert ended == [3, 2, 1, 0]


async def test_leaving_without_children_lets_other_tasks_run() -> None:
    steps = []

    async with create_task_group() as outer:
        outer.start_soon(_note, steps)
        for _ in range(2):  # trio runs the tasks of one turn in any order
            async with create_task_group():
                pass
        assert steps == [True]


async def _note(steps: list[bool]) -> None:
    steps.append(True)


async def test_a_coroutine_in_place_of_its_function_is_told() -> None:
    coro = nothing()
    with pytest.raises(TypeError, match=r"^func must be callable, not <cor.*; pass the function itself"):
        async with create_task_group() as tg:
            tg.start_soon(coro)  # type: ignore[arg-type]
    coro.close()


async def test_a_type_error_of_the_function_itself_is_left_alone() -> None:
    with pytest.raises(TypeError, match=r"^nothing\(\) takes 0 positional arguments but 1 was given$"):
        async with create_task_group() as tg:
            tg.start_soon(nothing, 1)  # type: ignore[arg-type]
