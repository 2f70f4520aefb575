"""Submitting many items to a worker pool, and waiting for all their results."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

from pynector.concurrency.cancel import CancelScope, move_on_after

from .._map.source import CLOSING_SECONDS
from .item_handle import ItemHandle, ItemStatus

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
                await _collect(handles, results)
        else:
            for item in items:
                handles.append(await submit(item))
                await _collect(handles, results)
        for handle in handles[len(results) :]:
            results.append(await handle)
        return results
    except BaseException:
        for handle in handles:
            handle.cancel()
        with CancelScope(shield=True):
            for handle in handles:
                await handle.wait()
        if isinstance(items, AsyncGenerator):
            with move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()
        raise


async def _collect(handles: list[ItemHandle[T, R]], results: list[R]) -> None:
    # So that an early failure is noticed before a long input has been submitted.
    while len(results) < len(handles) and (handle := handles[len(results)]).done:
        finished = handle.status is ItemStatus.FINISHED
        results.append(handle.return_value if finished else await handle)
