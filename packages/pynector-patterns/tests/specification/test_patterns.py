"""The specification's tests of maps, retries and workers, under its names."""

import anyio
import pytest

from pynector.concurrency.patterns import WorkerPool, parallel_requests, retry_with_timeout

pytestmark = pytest.mark.asyncio

URLS = ["url1", "url2", "error", "url4", "url5"]


async def fetch(url: str) -> str:
    await anyio.sleep(0.001)
    return f"response-{url}"


async def fetch_or_fail(url: str) -> str:
    if url == "error":
        raise ValueError("Fetch error")
    return await fetch(url)


async def test_parallel_requests_basic() -> None:
    responses = await parallel_requests(URLS, fetch, max_concurrency=2)

    assert responses == [f"response-{url}" for url in URLS]


async def test_parallel_requests_error() -> None:
    with pytest.raises(ValueError, match="Fetch error"):
        await parallel_requests(URLS, fetch_or_fail, max_concurrency=2)


@pytest.mark.virtual_time
async def test_retry_with_timeout_success() -> None:
    async def operation() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            await anyio.sleep(5)
        return "success"

    attempts = 0

    assert await retry_with_timeout(operation, max_retries=3, timeout=0.01) == "success"
    assert attempts == 3


@pytest.mark.virtual_time
async def test_retry_with_timeout_all_timeout() -> None:
    async def operation() -> None:
        nonlocal attempts
        attempts += 1
        await anyio.sleep(5)

    attempts = 0

    with pytest.raises(TimeoutError):
        await retry_with_timeout(operation, max_retries=3, timeout=0.01)
    assert attempts == 3


async def test_worker_pool_basic() -> None:
    async def work(item: int) -> None:
        await anyio.sleep(0.001)
        done.append(item)

    done: list[int] = []
    pool = WorkerPool(num_workers=2, worker_func=work)

    await pool.start()
    for item in (1, 2, 3, 4, 5):
        await pool.submit(item)
    await pool.stop()

    assert sorted(done) == [1, 2, 3, 4, 5]
