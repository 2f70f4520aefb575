"""Submitting many items to a worker pool, and waiting for all their results."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope, move_on_after

from .._map.source import CLOSING_SECONDS, close_source
from .handle import ItemHandle, ItemStatus

T = TypeVar("T")
R = TypeVar("R")


async def map_items(
    submit: Callable[[T], Awaitable[ItemHandle[T, R]]], items: Iterable[T] | AsyncIterable[T]
) -> list[R]:
    """Submit all *items*, and give their results, in order; all or none: see `WorkerPool.map`."""
    handles: list[ItemHandle[T, R]] = []
    results: list[R] = []
    try:
        if isinstance(items, AsyncIterable):
            async for item in items:
                handles.append(await submit(item))
                if failed := _collect(handles, results):
                    await failed
        else:
            for item in items:
                handles.append(await submit(item))
                if failed := _collect(handles, results):
                    await failed
        for handle in handles[len(results) :]:
            results.append(await handle)
        return results
    except BaseException:
        await _give_up(handles)
        if isinstance(items, AsyncGenerator):
            with move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()
        else:
            close_source(items)
        raise


async def _give_up(handles: list[ItemHandle[T, R]]) -> None:
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


def _collect(handles: list[ItemHandle[T, R]], results: list[R]) -> ItemHandle[T, R] | None:
    """Take the results that are there; give the handle of the first that there will never be.

    So an early failure is noticed before a long input has been submitted.
    """
    while len(results) < len(handles):
        handle = handles[len(results)]
        if handle._stage is not ItemStatus.FINISHED:
            return handle if handle.done else None
        results.append(handle._outcome)
    return None
