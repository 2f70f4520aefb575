"""Uses of the maps, for the type checkers: what a user writes is clean, and what comes out has its type."""

from typing import assert_type

from pynector.concurrency.patterns import Outcome, RetryPolicy, concurrent_map, hedge, parallel_requests


class Client:
    async def get(self, url: str, *, timeout: float = 1.0) -> bytes:
        return url.encode()


async def fetch(url: str, retries: int = 3) -> int:
    return len(url) + retries


async def with_a_policy(urls: list[str]) -> None:
    async with concurrent_map(fetch, urls, max_concurrency=20, retry=RetryPolicy()) as results:
        async for result in results:
            assert_type(result, int)


async def with_a_policy_and_outcomes(urls: list[str]) -> None:
    async with concurrent_map(
        Client().get, urls, max_concurrency=20, retry=RetryPolicy(attempts=2), return_exceptions=True
    ) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[str, bytes])


async def in_a_list(urls: list[str]) -> None:
    assert_type(await parallel_requests(urls, fetch, 10), list[int])
    assert_type(await parallel_requests(urls, lambda url: fetch(url)), list[int])


async def with_policies(url: str) -> None:
    policy = RetryPolicy(attempts=2)
    assert_type(await policy(fetch, url), int)
    assert_type(await policy(Client().get, url), bytes)
    assert_type(await policy.wrap(Client().get)(url, timeout=2.0), bytes)
    assert_type(await hedge(fetch, url, delay=0.1), int)
