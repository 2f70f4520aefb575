"""Errors that leave a block: what is raised of all that went wrong in it, and how to say it in a line.

The rule of every block here, of a group, a map, a hedged call, a worker pool or a pool's factory: an error
never disappears because a cancellation came, and is never replaced by another error; nor does a cancellation
disappear because an error came. The error is raised first, and the cancellation at the next checkpoint.
"""

import math
import operator
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, cast

from anyio import TaskFailed, current_effective_deadline, get_cancelled_exc_class
from anyio.lowlevel import cancel_shielded_checkpoint

from ._backend import asyncio_task, runs_on_trio

Errors = BaseExceptionGroup[BaseException]

MANY_LINKS = 100
"""More errors, each raised while the one before was handled, than are looked at."""

# As C code sets it: a class may refuse every attribute, as a frozen dataclass does, but not this.
_set_context = cast(Any, BaseException.__context__).__set__


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Iterate over the errors in a group, and in the groups in it; or over the error alone."""
    pending = [error]
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(reversed(cast(Errors, error).exceptions))
        else:
            yield error


def one_line(error: BaseException) -> str:
    """Return the class and the text of *error*, as the last line of a traceback has them.

    Costs the same for a group of many errors, which are not formatted. Never raises, even where `str(error)`
    does.
    """
    cls = type(error)
    name = cls.__qualname__
    if cls.__module__ not in ("builtins", "__main__"):
        name = f"{cls.__module__}.{name}"
    try:
        text = str(error)
    except Exception as unreadable:  # whatever the class of a user does
        text = f"<its text cannot be read: {type(unreadable).__name__}>"
    return f"{name}: {text.splitlines()[0]}" if text.strip() else name


def add_note(error: BaseException, note: str) -> None:
    """Add *note* to *error*, also where its class refuses to be changed, as a frozen dataclass does."""
    notes: list[str] = [*getattr(error, "__notes__", ()), note]
    object.__setattr__(error, "__notes__", notes)


def raise_unchanged(error: BaseException) -> NoReturn:
    """Raise *error* with its own `__context__`, whatever error or cancellation is being handled."""
    context = error.__context__
    try:
        raise error
    finally:
        _set_context(error, context)
        del error, context  # whose traceback holds this frame: no cycle


def is_cancellation(error: BaseException) -> bool:
    """Whether *error* is a cancellation, or a group of nothing else."""
    cancelled = get_cancelled_exc_class()
    return all(isinstance(leaf, cancelled) for leaf in leaves(error))


def overtaken_cancellation(error: BaseException) -> BaseException | None:
    """Return the cancellation that was being handled as *error* was raised; None if there was none."""
    cancelled, seen = get_cancelled_exc_class(), set[int]()
    pending = [error]
    while pending:
        for leaf in leaves(pending.pop()):
            if isinstance(leaf, cancelled):
                return leaf
            if id(leaf) not in seen:
                seen.add(id(leaf))
                pending += [other for other in (leaf.__cause__, leaf.__context__) if other is not None]
    return None


def raise_overtaken(error: BaseException) -> None:
    """Raise the cancellation that was being handled as *error* was raised, if there was one.

    For a task that has passed *error* on, to end as a cancelled task does.
    """
    cancellation = overtaken_cancellation(error)
    if cancellation is None:
        return
    # The interpreter would cut the chain where it meets the cancellation, lest it lead back.
    links: list[tuple[BaseException, BaseException | None]] = []
    link: BaseException | None = error
    while link is not None and link is not cancellation:
        links.append((link, link.__context__))
        link = link.__context__ if len(links) < MANY_LINKS else None
    try:
        raise_unchanged(cancellation)
    finally:
        for link, context in links:
            _set_context(link, context)
        del error, cancellation, link, links  # whose tracebacks hold this frame: no cycle


def what_leaves(
    errors: BaseException, body_error: BaseException | None = None, *, strict: bool = False
) -> BaseException:
    """Choose what a block raises for *errors*, which happened in it.

    Cancellations go, and what only repeats or accompanies another error; of what is left a single error is
    raised as it is, and several as a group. There is always one: the last cancellation is not dropped.

    Args:
        errors: A group, of the body's error and those of the tasks; anything else is returned as it is.
        body_error: Which of them the body of the block raised.
        strict: Keep even a single error in a group.
    """
    if not isinstance(errors, BaseExceptionGroup):
        return errors
    rest = _without_noise(cast(Errors, errors), body_error)
    return rest.exceptions[0] if len(rest.exceptions) == 1 and not strict else rest


def single(error: BaseException) -> BaseException:
    """Return the only error in groups of one; any other error, or group, as it is."""
    while isinstance(error, BaseExceptionGroup):
        first, *others = cast(Errors, error).exceptions
        if others:
            return cast(Errors, error)
        error = first
    return error


def _without_noise(errors: Errors, body_error: BaseException | None) -> Errors:
    """Take out of *errors* what only repeats or accompanies another error in it.

    That is: cancellations; a `TaskFailed` of a task that awaited a failed one; and of the body's error, what
    is the error of a child or is caused by one. There is no error without another that stays.
    """
    members = _once(errors.exceptions, body_error)
    known = {id(leaf): leaf for member in members for leaf in leaves(member)}
    from_body = {id(leaf) for leaf in leaves(body_error)} if body_error is not None else set[int]()
    cancelled = get_cancelled_exc_class()
    noise = {
        key
        for key, leaf in known.items()
        if isinstance(leaf, cancelled)
        or ((key in from_body or isinstance(leaf, TaskFailed)) and _is_caused_by_another(leaf, known))
    }
    if noise and len(noise) < len(known):
        members = [kept for member in members if (kept := _without(member, noise)) is not None]
    if len(members) == len(errors.exceptions) and all(map(operator.is_, members, errors.exceptions)):
        return errors
    return errors.derive(members).with_traceback(errors.__traceback__)


def _once(members: Sequence[BaseException], body_error: BaseException | None) -> Sequence[BaseException]:
    """Drop the body's error if it is a child's too, raised again in the body."""
    places = [place for place, member in enumerate(members) if member is body_error]
    return members if len(places) < 2 else [*members[: places[0]], *members[places[0] + 1 :]]


def _without(member: BaseException, noise: set[int]) -> BaseException | None:
    """Return *member* without the leaves in *noise*; None if nothing is left of it."""
    if not isinstance(member, BaseExceptionGroup):
        return None if id(member) in noise else member
    group = cast(Errors, member)
    if noise.isdisjoint(map(id, leaves(group))):
        return group
    try:
        return group.subgroup(lambda error: _is_leaf(error) and id(error) not in noise)
    except Exception:
        return group  # its class makes no groups: better more than was asked for than nothing


def _is_leaf(error: BaseException) -> bool:
    return not isinstance(error, BaseExceptionGroup)


def _is_caused_by_another(error: BaseException, others: dict[int, BaseException]) -> bool:
    seen = {id(error)}
    while (cause := error.__cause__) is not None and id(cause) not in seen:
        if id(cause) in others:
            return True
        seen.add(id(cause))
        error = cause
    return False


def native_cancellations() -> int:
    """Return how many native cancellations of the running task are under way; none on trio.

    A block asks as it is entered, for `raise_first`.
    """
    task = None if runs_on_trio() else asyncio_task()
    return task.cancelling() if task else 0


async def raise_first(error: BaseException, before: int) -> NoReturn:
    """Raise *error*, though the running task may be being cancelled: that comes again at the next checkpoint.

    To be called where the tasks of a block have ended, in place of the cancellation that is being handled, if
    there is one. Not cancelled while it lets other tasks run once.

    Args:
        error: What leaves the block; its `__context__` stays as it is.
        before: The `native_cancellations` as the block was entered.
    """
    try:
        await _resume_plainly()
        renew_cancellation(before)
        raise_unchanged(error)
    finally:
        del error  # whose traceback holds this frame: no cycle


def renew_cancellation(before: int) -> None:
    """Have a native cancellation that an error has overtaken come again, at the next checkpoint.

    The group of asyncio does so, too; without it, an `asyncio.timeout` around a block that handles the error
    would never fire. A scope that is cancelled needs no help: it cancels every checkpoint. Before Python 3.13
    a cancellation that was asked for anew could not be taken back, when a time-out is over.
    """
    if sys.version_info < (3, 13) or runs_on_trio():
        return
    task = asyncio_task()
    if task and task.cancelling() > before and current_effective_deadline() > -math.inf:
        task.uncancel()
        task.cancel()


async def _resume_plainly() -> None:
    """Yield until the task was last resumed by `send`: once, unless it is cancelled natively just then.

    Where a cancellation was last thrown into a coroutine, CPython overwrites the `__context__` of whatever
    leaves it next (`gen.throw` chains at every frame on the way): the error would lose its own.
    """
    while True:
        try:
            return await cancel_shielded_checkpoint()
        except get_cancelled_exc_class():
            continue  # a native cancellation; the error comes first, and the block renews it
