"""One error leaves the group as it is, several leave as one ExceptionGroup."""

import traceback

import anyio
import pytest
from anyio import get_cancelled_exc_class

from pynector.concurrency.task import create_task_group
from pynector.concurrency.testing import wait_until_blocked

pytestmark = pytest.mark.anyio


class Unprintable(Exception):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


async def fail(error: BaseException) -> None:
    raise error


async def fail_when_cancelled(error: Exception) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        raise error


async def test_one_failing_child_leaves_unwrapped() -> None:
    error = ValueError("task failed")

    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail, error)

    assert caught.value is error


async def test_an_error_of_the_body_leaves_unwrapped() -> None:
    error = ValueError("body failed")

    with pytest.raises(ValueError, match="body failed") as caught:
        async with create_task_group():
            raise error

    assert caught.value is error


async def test_two_failing_children_leave_as_one_group() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail_when_cancelled, ValueError("one"))
            await wait_until_blocked()
            tg.start_soon(fail, RuntimeError("two"))

    assert {str(error) for error in caught.value.exceptions} == {"one", "two"}


async def test_body_and_child_that_both_fail_leave_as_one_group() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail_when_cancelled, ValueError("child"))
            await wait_until_blocked()
            raise RuntimeError("body")

    assert {str(error) for error in caught.value.exceptions} == {"child", "body"}


async def test_strict_gives_a_group_of_one() -> None:
    error = ValueError("task failed")

    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group(strict_exception_groups=True) as tg:
            tg.start_soon(fail, error)

    assert caught.value.exceptions == (error,)


async def test_the_error_keeps_traceback_and_notes() -> None:
    error = ValueError("task failed")
    error.add_note("while testing")

    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail, error)

    assert caught.value.__notes__ == ["while testing"]
    functions = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "fail" in functions
    assert functions[0] == "test_the_error_keeps_traceback_and_notes"


async def test_the_error_keeps_cause_and_context() -> None:
    async def child() -> None:
        try:
            raise KeyError("context")
        except KeyError:
            raise ValueError("task failed") from OSError("cause")

    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            tg.start_soon(child)

    assert isinstance(caught.value.__cause__, OSError)
    assert isinstance(caught.value.__context__, KeyError)


async def test_the_error_keeps_its_context_when_the_body_waits() -> None:
    async def child() -> None:
        try:
            raise KeyError("context")
        except KeyError:
            raise ValueError("task failed")  # noqa: B904

    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            tg.start_soon(child)
            await anyio.sleep_forever()

    assert isinstance(caught.value.__context__, KeyError)
    assert caught.value.__context__.__context__ is None


async def test_an_error_without_context_leaves_without_one() -> None:
    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail, ValueError("task failed"))
            await anyio.sleep_forever()

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_what_leaves_holds_no_cancellations() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            tg.start_soon(anyio.sleep_forever)
            tg.start_soon(fail_when_cancelled, ValueError("one"))
            await wait_until_blocked()
            tg.start_soon(fail, RuntimeError("two"))
            await anyio.sleep_forever()

    assert caught.value.split(get_cancelled_exc_class())[0] is None
    assert len(caught.value.exceptions) == 2


async def test_one_error_stays_one_when_the_body_awaited_the_handle() -> None:
    with pytest.raises(ValueError, match="task failed") as caught:
        async with create_task_group() as tg:
            await tg.create_task(fail(ValueError("task failed")))

    assert caught.value.__context__ is None


async def test_one_error_stays_one_when_a_sibling_awaited_the_handle() -> None:
    async def await_it(handle: object) -> None:
        await handle  # type: ignore[misc]

    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            handle = tg.create_task(fail_when_cancelled(ValueError("task failed")))
            tg.start_soon(await_it, handle)
            await wait_until_blocked()
            handle.cancel()


async def test_one_error_stays_one_when_the_body_raised_it_again() -> None:
    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            handle = tg.create_task(fail(ValueError("task failed")))
            with anyio.CancelScope(shield=True):
                await handle.wait()
            assert handle.exception is not None
            raise handle.exception


async def test_one_error_stays_one_when_the_body_raised_another_from_it() -> None:
    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            handle = tg.create_task(fail(ValueError("task failed")))
            with anyio.CancelScope(shield=True):
                await handle.wait()
            raise RuntimeError("a child failed") from handle.exception


async def test_an_error_of_the_body_from_elsewhere_is_kept() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            handle = tg.create_task(fail(ValueError("task failed")))
            with anyio.CancelScope(shield=True):
                await handle.wait()
            raise RuntimeError("body") from OSError("elsewhere")

    assert len(caught.value.exceptions) == 2


async def test_an_exception_group_that_a_child_raised_is_kept_as_it_is() -> None:
    error = ExceptionGroup("of the child", [ValueError(1), ValueError(2)])

    with pytest.raises(ExceptionGroup) as caught:
        async with create_task_group() as tg:
            tg.start_soon(fail, error)

    assert caught.value.message == "of the child"  # not the same object: trio makes a copy
    assert caught.value.exceptions == error.exceptions


async def test_nested_groups_unwrap_one_error_at_each_level() -> None:
    async def inner() -> None:
        async with create_task_group() as tg:
            tg.start_soon(fail, ValueError("task failed"))

    with pytest.raises(ValueError, match="task failed"):
        async with create_task_group() as tg:
            tg.start_soon(inner)


@pytest.mark.on("asyncio")  # trio itself ends the whole run at such an error
async def test_an_error_that_cannot_be_shown_leaves_as_any_other() -> None:
    with pytest.raises(Unprintable):
        async with create_task_group() as tg:
            tg.start_soon(fail, Unprintable())
            tg.start_soon(anyio.sleep_forever)


async def test_a_base_exception_of_a_child_cancels_the_others_and_leaves() -> None:
    class Stop(BaseException):
        pass

    with pytest.raises(Stop):
        async with create_task_group() as tg:
            tg.start_soon(fail, Stop())
            tg.start_soon(anyio.sleep_forever)
