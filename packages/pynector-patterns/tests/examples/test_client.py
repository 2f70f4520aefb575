"""The client."""

import anyio
import pytest

from crawl.client import FAILURES, Busy
from crawl.report import Report
from crawl.server import Answer, HangUp
from pynector.concurrency.patterns import retry_pauses_off

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_pauses():
    with retry_pauses_off():
        yield


class App:
    """Does one thing after another: an answer to give, an error to raise, or seconds to sleep first."""

    def __init__(self, *script: Answer | Exception | float) -> None:
        self.script = list(script)

    async def __call__(self, target: str) -> Answer:
        step = self.script.pop(0) if self.script else Answer(b"well")
        if isinstance(step, Exception):
            raise step
        if isinstance(step, float):
            await anyio.sleep(step)
            return Answer(b"late")
        return step


@pytest.mark.parametrize("trouble", [HangUp(), Answer(b"busy", 503), Answer(b"slow down", 429)], ids=str)
async def test_a_trouble_that_passes_is_tried_again(serving, client_of, trouble) -> None:
    report = Report()

    async with serving(App(trouble)) as origin, client_of(origin, report) as client:
        assert (await client.get(f"{origin}/")).body == b"well"
    assert (report.retries, report.timeouts) == (1, 0)


async def test_silence_is_a_time_out_and_tried_again(serving, client_of) -> None:
    report = Report()

    async with serving(App(60.0)) as origin, client_of(origin, report, timeout=0.2) as client:
        assert (await client.get(f"{origin}/")).body == b"well"
    assert (report.retries, report.timeouts) == (1, 1)


async def test_a_server_that_stays_busy_is_given_up(serving, client_of) -> None:
    report = Report()

    async with serving(App(*[Answer(b"busy", 503)] * 4)) as origin, client_of(origin, report) as client:
        with pytest.raises(Busy, match="answers 503"):
            await client.get(f"{origin}/")
    assert report.retries == 3


async def test_a_page_that_fails_is_an_answer(serving, client_of) -> None:
    report = Report()

    async with serving(App(Answer(b"no", 500))) as origin, client_of(origin, report) as client:
        assert (await client.get(f"{origin}/")).status == 500
    assert report.retries == 0


async def test_a_connection_is_used_again_also_after_an_answer_that_is_no_page(serving, client_of) -> None:
    report = Report()

    async with (
        serving(App(Answer(b"no", 404), Answer(b"busy", 503))) as origin,
        client_of(origin, report) as client,
    ):
        for _ in range(3):
            await client.get(f"{origin}/")
    assert (report.connections["opened"], report.connections["lent"]) == (1, 4)


async def test_a_connection_that_failed_is_not_used_again(serving, client_of) -> None:
    report = Report()

    async with serving(App(HangUp())) as origin, client_of(origin, report) as client:
        await client.get(f"{origin}/")
    assert report.connections["opened"] == 2


async def test_a_connection_that_the_server_closes_is_replaced_without_a_retry(serving, client_of) -> None:
    report = Report()

    closing = Answer(b"bye", headers=(("Connection", "close"),))
    async with serving(App(closing)) as origin, client_of(origin, report) as client:
        for _ in range(2):
            await client.get(f"{origin}/")
    assert (report.connections["opened"], report.retries) == (2, 0)


async def test_a_server_that_is_not_there_fails_each_request_with_a_known_error(serving, client_of):
    async with serving(App()) as origin:
        pass  # and now nobody listens there

    async with client_of(origin, Report()) as client, anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(fails, client, f"{origin}/")


async def fails(client, url):
    with pytest.raises(FAILURES):
        await client.get(url)


async def test_attempts_keep_to_the_rate(serving, client_of):
    async with serving(App(HangUp())) as origin, client_of(origin, Report(), rate=20.0) as client:
        began = anyio.current_time()
        await client.get(f"{origin}/")
        await client.get(f"{origin}/")

    assert anyio.current_time() - began >= 0.09
