"""What can be wrapped by a policy or a breaker, and what is refused at once."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest

from pynector.concurrency.patterns import CircuitBreaker, RetryPolicy

pytestmark = pytest.mark.anyio


async def stream(url: str) -> AsyncIterator[str]:
    yield url


def lines(url: str) -> Iterator[str]:
    yield url


WRAPS = [RetryPolicy().wrap, CircuitBreaker().wrap]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(
    ("func", "kind"),
    [
        (stream, "an async generator function"),
        (partial(stream, "x"), "an async generator function"),
        (lines, "a generator function"),
    ],
)
def test_a_generator_function_is_refused_at_once(wrap: Any, func: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"^func must be an async function: \w+\(\) is {kind}, which fails"):
        wrap(func)


@pytest.mark.parametrize("wrap", WRAPS)
def test_so_is_what_cannot_be_called(wrap: Any) -> None:
    with pytest.raises(TypeError, match=r"^func must be callable, not 'no function'$"):
        wrap("no function")


@pytest.mark.parametrize("wrap", WRAPS)
async def test_a_function_that_returns_an_awaitable_is_wrapped(wrap: Any) -> None:
    async def fetch(url: str) -> str:
        return url

    assert await wrap(lambda url: fetch(url))("page") == "page"
