"""An error leaves a block as the object that was raised, whatever its class refuses or hides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import (
    add_note,
    is_cancellation,
    leaves,
    one_line,
    raise_unchanged,
    single,
    what_leaves,
)

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Slotted(Exception):
    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(f"{name} cannot be set")


class Empty(Exception):
    def __len__(self) -> int:
        return 0


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Outcome(BaseException):
    pass


ERRORS: list[Callable[[], BaseException]] = [lambda: Frozen(1), Slotted, Empty, Mute, Outcome]


@pytest.mark.parametrize("make", ERRORS)
async def test_the_error_of_a_child_is_the_one_that_leaves(make: Callable[[], BaseException]) -> None:
    error = make()

    async def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail)
            await anyio.sleep_forever()

    assert caught.value is error


@pytest.mark.parametrize("make", ERRORS)
async def test_so_is_that_of_a_child_that_has_not_started(make: Callable[[], BaseException]) -> None:
    error = make()

    async def fail(*, task_status: Any) -> None:
        raise error

    async with create_task_group() as tg:
        with pytest.raises(type(error)) as caught:
            await tg.start(fail)

    assert caught.value is error


async def test_a_frozen_error_keeps_its_context() -> None:
    error, context = Frozen(1), KeyError("before")

    async def fail() -> None:
        try:
            raise context
        except KeyError:
            raise error  # noqa: B904  # in its context

    with pytest.raises(Frozen):
        async with create_task_group() as tg:
            tg.start_soon(fail)
            await anyio.sleep_forever()

    assert error.__context__ is context


async def test_a_clean_up_that_fails_before_the_start_is_raised_and_the_cancellation_comes_again() -> None:
    async def starting(*, task_status: Any) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("rollback failed")

    async with create_task_group() as tg:
        with anyio.CancelScope() as scope:
            scope.deadline = anyio.current_time() + 0.01
            with pytest.raises(ValueError, match="rollback failed"):
                await tg.start(starting)
            await anyio.sleep_forever()
        assert scope.cancelled_caught
        assert not tg.cancel_scope.cancel_called


async def test_one_line_has_class_and_text() -> None:
    assert one_line(ValueError("first\nsecond")) == "ValueError: first"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(anyio.WouldBlock()) == "anyio.WouldBlock"
    assert one_line(Mute()).endswith("Mute: <its text cannot be read: RuntimeError>")


async def test_one_line_of_a_group_looks_at_none_of_its_errors() -> None:
    class Counted(Exception):
        texts = 0

        def __str__(self) -> str:
            Counted.texts += 1
            return "counted"

    group = ExceptionGroup("several", [Counted(), ExceptionGroup("more", [Counted()])])

    assert one_line(group) == "ExceptionGroup: several (2 sub-exceptions)"
    assert Counted.texts == 0


async def test_the_reason_of_a_group_looks_at_no_error_within_a_group() -> None:
    class Counted(Exception):
        texts = 0

        def __str__(self) -> str:
            Counted.texts += 1
            return "counted"

    async def fail() -> None:
        raise ExceptionGroup("several", [Counted(), Counted()])

    with pytest.raises(ExceptionGroup):
        async with create_task_group() as tg:
            tg.start_soon(fail)
            await anyio.sleep_forever()

    assert tg.cancel_reason is not None
    assert "several" in tg.cancel_reason
    assert Counted.texts == 0


@pytest.mark.parametrize("make", ERRORS)
async def test_a_note_is_added_whatever_the_class_refuses(make: Callable[[], BaseException]) -> None:
    error = make()

    add_note(error, "first")
    add_note(error, "second")

    assert error.__notes__ == ["first", "second"]


async def test_raise_unchanged_keeps_the_context() -> None:
    error = Frozen(1)

    try:
        raise KeyError("handled")
    except KeyError:
        with pytest.raises(Frozen) as caught:
            raise_unchanged(error)

    assert caught.value is error
    assert error.__context__ is None


async def test_groups_of_any_depth_are_looked_through() -> None:
    error: Exception = ValueError("bottom")
    for depth in range(5000):
        error = ExceptionGroup(f"{depth}", [error])

    assert [str(leaf) for leaf in leaves(error)] == ["bottom"]
    assert str(single(error)) == "bottom"
    assert not is_cancellation(error)


async def test_a_group_whose_class_makes_no_other_groups_leaves_whole() -> None:
    class Stubborn(ExceptionGroup[Exception]):
        def derive(self, excs: Any) -> Any:
            raise RuntimeError("no other groups")

    cancelled = anyio.get_cancelled_exc_class()
    stubborn = Stubborn("stubborn", [ValueError("kept"), anyio.TaskFailed("accompanies")])
    stubborn.exceptions[1].__cause__ = stubborn.exceptions[0]

    assert what_leaves(BaseExceptionGroup("of a block", [stubborn])) is stubborn
    assert issubclass(cancelled, BaseException)


async def test_what_is_no_group_is_raised_as_it_is() -> None:
    error = ValueError()

    assert what_leaves(error) is error
