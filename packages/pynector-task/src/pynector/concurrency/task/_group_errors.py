"""What leaves a task group, of all that went wrong in it."""

from collections.abc import Iterator
from typing import cast

from anyio import TaskFailed, get_cancelled_exc_class
from anyio.lowlevel import cancel_shielded_checkpoint

Errors = BaseExceptionGroup[BaseException]


def what_leaves(errors: Errors, body_error: BaseException | None, *, strict: bool) -> BaseException:
    """Give what a group raises for *errors*: the only one as it is, unless *strict*, or a group of them."""
    rest = _without_noise(errors, body_error)
    return rest.exceptions[0] if len(rest.exceptions) == 1 and not strict else rest


def _without_noise(errors: Errors, body_error: BaseException | None) -> Errors:
    """Take out of *errors* what only repeats or accompanies another error in it.

    That is: cancellations; a `TaskFailed` of a task that awaited a failed one; and of the body's error, what
    is the error of a child or is caused by one. There is no error without another that stays.
    """
    errors = _once(errors, body_error)
    known = {id(leaf): leaf for leaf in leaves(errors)}
    from_body = {id(leaf) for leaf in leaves(body_error)} if body_error else set[int]()
    cancelled = get_cancelled_exc_class()
    noise = {
        key
        for key, leaf in known.items()
        if isinstance(leaf, cancelled)
        or ((key in from_body or isinstance(leaf, TaskFailed)) and _is_caused_by_another(leaf, known))
    }
    if not noise or len(noise) == len(known):
        return errors
    rest = errors.subgroup(lambda error: not isinstance(error, BaseExceptionGroup) and id(error) not in noise)
    return rest or errors


def _once(errors: Errors, body_error: BaseException | None) -> Errors:
    """Drop the body's error if it is a child's too, raised again in the body."""
    places = [place for place, member in enumerate(errors.exceptions) if member is body_error]
    if len(places) < 2:
        return errors
    members = list(errors.exceptions)
    del members[places[0]]
    return errors.derive(members).with_traceback(errors.__traceback__)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Give the errors in a group and in the groups in it; or the error alone."""
    if isinstance(error, BaseExceptionGroup):
        for member in cast(Errors, error).exceptions:
            yield from leaves(member)
    else:
        yield error


def _is_caused_by_another(error: BaseException, others: dict[int, BaseException]) -> bool:
    seen = {id(error)}
    while (cause := error.__cause__) is not None and id(cause) not in seen:
        if id(cause) in others:
            return True
        seen.add(id(cause))
        error = cause
    return False


async def resume_plainly() -> None:
    """Yield until the task was last resumed by `send`: once, unless it is cancelled natively just then.

    Where a cancellation was last thrown into a coroutine, CPython overwrites the `__context__` of whatever
    leaves it next (`gen.throw` chains at every frame on the way): the error would lose its own.
    """
    while True:
        try:
            return await cancel_shielded_checkpoint()
        except get_cancelled_exc_class():
            continue  # a native cancellation; the error comes first, and the group renews it
