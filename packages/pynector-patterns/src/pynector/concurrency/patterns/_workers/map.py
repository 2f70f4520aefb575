"""Submitting many items to a worker pool, and waiting for all their results."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from anyio import get_cancelled_exc_class

from pynector.concurrency.cancel import CancelScope, move_on_after
from pynector.concurrency.task.lowlevel import (
    add_note,
    is_cancellation,
    native_cancellations,
    one_line,
    raise_first,
)

from .handle import ItemHandle, ItemStatus

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
    before = native_cancellations()
    try:
        if isinstance(items, AsyncIterable):
            async for item in items:
                handle = await submit(item)
                handle._is_expected = True
                handles.append(handle)
                if failed := _collect(handles, results):
                    await failed
        else:
            for item in items:
                handle = await submit(item)
                handle._is_expected = True
                handles.append(handle)
                if failed := _collect(handles, results):
                    await failed
        for handle in handles[len(results) :]:
            results.append(await handle)
        return results
    except BaseException as error:
        leaving = error
        try:
            await _cancel_all(handles)
            if is_cancellation(error):
                leaving = next((one for one in map(_read_error, handles) if one is not None), error)
        finally:
            for handle in handles:
                handle._give_up()
            leaving = await _close(items, leaving)
        if is_cancellation(leaving):
            raise
        await raise_first(leaving, before)


async def _cancel_all(handles: list[ItemHandle[T, R]]) -> None:
    for handle in handles:
        handle.cancel()
    with CancelScope(shield=True):
        for handle in handles:
            while not handle.done:
                with suppress(get_cancelled_exc_class()):  # natively: no shield keeps that out
                    await handle.wait()


def _read_error(handle: ItemHandle[T, R]) -> BaseException | None:
    return handle.exception if handle.status is ItemStatus.FAILED else None


async def _close(items: Iterable[Any] | AsyncIterable[Any], leaving: BaseException) -> BaseException:
    """Close *items* if it is a generator: nobody else can close what it holds open.

    Returns:
        What leaves the call: the generator's own error instead of a cancellation, or *leaving*.
    """
    try:
        if isinstance(items, AsyncGenerator):
            with move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()
        elif isinstance(items, Generator):
            items.close()
    except Exception as error:
        if is_cancellation(leaving):
            return error
        add_note(leaving, f"closing the input failed, too: {one_line(error)}")
    return leaving


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
