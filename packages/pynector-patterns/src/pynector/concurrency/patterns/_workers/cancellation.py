"""A cancellation, alone or among errors."""

from typing import cast

from anyio import get_cancelled_exc_class


def split_cancellation(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Return a cancellation that *error* is, or has inside, and what else it is.

    With trio a nursery's group may hold the cancellations of its children, alone or beside their errors.
    """
    cancelled = get_cancelled_exc_class()
    if isinstance(error, cancelled):
        return error, None
    if not isinstance(error, BaseExceptionGroup):
        return None, error
    found, rest = cast("BaseExceptionGroup[BaseException]", error).split(cancelled)
    return None if found is None else _first(found), rest


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
