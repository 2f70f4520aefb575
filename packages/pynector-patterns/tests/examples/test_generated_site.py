"""The site that is made up."""

import anyio
import pytest

from crawl.generated_site import GeneratedSite, path_of
from crawl.page import parse
from crawl.server import HangUp

pytestmark = pytest.mark.anyio


async def test_pages_are_always_the_same() -> None:
    assert await GeneratedSite(100).answer("/") == await GeneratedSite(100).answer("/")


async def test_a_page_that_hangs_up_does_so_once() -> None:
    site = GeneratedSite(100)

    with pytest.raises(HangUp):
        await site.answer(path_of(41))
    assert (await site.answer(path_of(41))).status == 200


async def test_a_page_that_is_busy_says_when_to_come_again_and_answers_then() -> None:
    site = GeneratedSite(100)

    assert (await site.answer(path_of(22))).headers == (("Retry-After", "1"),)
    assert (await site.answer(path_of(22))).status == 200


async def test_a_page_that_is_silent_answers_the_second_time() -> None:
    site = GeneratedSite(100)

    with anyio.move_on_after(0.01) as scope:
        await site.answer(path_of(31))
    assert scope.cancelled_caught
    assert (await site.answer(path_of(31))).status == 200


@pytest.mark.parametrize("target", ["/pages/100", "/pages/-1", "/missing/19", "/pages/"])
async def test_what_is_no_page_is_not_found(target: str) -> None:
    assert (await GeneratedSite(100).answer(target)).status == 404


async def test_what_is_said_to_be_broken_is_linked_to_and_is_not_there() -> None:
    site = GeneratedSite(60)

    assert site.broken == {"/missing/19", path_of(37), f"{path_of(43)}#nowhere"}
    assert "http://a.test/missing/19" in {
        link.url for link in parse("http://a.test/", (await site.answer(path_of(19))).body.decode()).links
    }
    assert (await site.answer(path_of(37))).status == 500
    assert b"nowhere" not in (await site.answer(path_of(43))).body
