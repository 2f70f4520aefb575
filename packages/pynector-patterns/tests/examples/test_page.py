"""What is found in a page."""

import pytest

from crawl.page import Link, parse, resolve


def links_in(html: str) -> set[str]:
    return {str(link) for link in parse("http://a.test/guide/", html).links}


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("x", "http://a.test/guide/x"),
        ("../x", "http://a.test/x"),
        ("/", "http://a.test/"),
        ("//B.test", "http://b.test/"),
        ("?q=1", "http://a.test/guide/?q=1"),
        ("#part", "http://a.test/guide/#part"),
        (" two words ", "http://a.test/guide/two%20words"),
        ("é", "http://a.test/guide/%C3%A9"),
        ("%C3%A9#%C3%A9", "http://a.test/guide/%C3%A9#é"),
    ],
)
def test_a_target_is_resolved_against_its_page_and_spelled_in_one_way(target: str, url: str) -> None:
    assert str(resolve("http://a.test/guide/", target)) == url


@pytest.mark.parametrize("fragment", ["", "top", "TOP", ":~:text=word"])
def test_a_fragment_that_every_page_has_is_left_out(fragment: str) -> None:
    assert resolve("http://a.test/", f"#{fragment}") == Link("http://a.test/")


def test_what_is_no_url_at_all_is_left_as_it_is() -> None:
    assert resolve("http://a.test/", "http://[") == Link("http://[")


def test_links_are_those_of_all_elements_that_lead_somewhere() -> None:
    html = '<a href=a></a><img src=b><link href=c rel=stylesheet><script src="d"></script>'

    assert links_in(html) == {f"http://a.test/guide/{name}" for name in "abcd"}


def test_a_base_moves_the_links_after_it() -> None:
    assert links_in('<base href="/other/"><a href="x">') == {"http://a.test/other/x"}


@pytest.mark.parametrize(
    "html",
    [
        "<a>",
        "<a href>",
        '<a href="mailto:x@a.test">',
        '<img src="data:image/png;base64,AAAA">',
        '<link rel="preconnect" href="http://b.test">',
        "<script>'<a href=x>'</script>",
        "<!-- <a href=x> -->",
    ],
)
def test_what_leads_to_no_page_is_no_link(html: str) -> None:
    assert links_in(html) == set()


def test_anchors_are_ids_and_names() -> None:
    assert parse("http://a.test/", '<h1 id="one"><a name="two"></a>').anchors == {"one", "two"}
