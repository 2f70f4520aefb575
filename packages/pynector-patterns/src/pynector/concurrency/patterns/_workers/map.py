"""Submitting many items to a worker pool, and waiting for all their results."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from typing import Any, TypeVar

from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope, move_on_after

from .handle import ItemHandle, ItemStatus
from .outcomes import add_note, one_line, split_cancellation

T = TypeVar("T")
R = TypeVar("R")

CLOSING_SECONDS = 5.0
"""How long an asynchronous generator may take to end."""


async def map_items(
    submit: Callable[[T], Awaitable[ItemHandle[T, R]]], items: Iterable[T] | AsyncIterable[T]
) -> list[R]:
    """Submit all *items*, and return their results, in order; all or none: see `WorkerPool.map`."""
    handles: list[ItemHandle[T, R]] = []
    results: list[R] = []
    try:
        if isinstance(items, AsyncIterable):
            async for item in items:
                handle = await submit(item)
                handle._expect()
                handles.append(handle)
                if failed := _collect(handles, results):
                    await failed
        else:
            for item in items:
                handle = await submit(item)
                handle._expect()
                handles.append(handle)
                if failed := _collect(handles, results):
                    await failed
        for handle in handles[len(results) :]:
            results.append(await handle)
        return results
    except BaseException as error:
        try:
            await _cancel_all(handles)
        finally:
            for handle in handles:
                handle._give_up()
            await _close(items, error)
        raise


async def _cancel_all(handles: list[ItemHandle[T, R]]) -> None:
    for handle in handles:
        handle.cancel()
    again: BaseException | None = None
    with CancelScope(shield=True):
        for handle in handles:
            while not handle.done:
                try:
                    await handle.wait()
                except get_cancelled_exc_class() as error:  # natively: no shield keeps that out
                    again = error
    if again is not None:
        raise again


async def _close(items: Iterable[Any] | AsyncIterable[Any], error: BaseException) -> None:
    """Close *items* if it is a generator: nobody else can close what it holds open.

    Its own error comes before a cancellation, and after any other *error*.
    """
    try:
        if isinstance(items, AsyncGenerator):
            with move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()
        elif isinstance(items, Generator):
            items.close()
    except Exception as its_own:
        if split_cancellation(error)[1] is None:
            raise
        add_note(error, f"closing the input failed, too: {one_line(its_own)}")


def _collect(handles: list[ItemHandle[T, R]], results: list[R]) -> ItemHandle[T, R] | None:
    """Take the results that are there; return the handle of the first that there will never be.

    So an early failure is noticed before a long input has been submitted.
    """
    while len(results) < len(handles):
        handle = handles[len(results)]
        if handle._stage is not ItemStatus.FINISHED:
            return handle if handle.done else None
        results.append(handle._outcome)
    return None
