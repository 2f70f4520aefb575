"""Telling a cancellation from an error."""

from __future__ import annotations

from typing import cast


def without_cancellations(
    error: BaseException, cancelled: type[BaseException] | tuple[type[BaseException], ...]
) -> BaseException | None:
    """What is left of *error* once the cancellations in it are taken out."""
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).split(cancelled)[1]
    return None if isinstance(error, cancelled) else error
