"""What a crawl says is broken."""

from crawl.page import Link, Page
from crawl.report import Broken, Report

HERE, THERE = "http://a.test/", "http://a.test/there"


def linking(report: Report, target: str, fragment: str = "") -> Report:
    report.sources[Link(target, fragment)].append(HERE)
    return report


def test_a_page_that_did_not_come_is_broken_and_says_who_links_to_it() -> None:
    report = linking(Report(errors={THERE: "answers 404"}), THERE, "part")

    assert report.broken() == [Broken(THERE, "answers 404", (HERE,))]
    assert str(report.broken()[0]) == f"{THERE}: answers 404; linked from {HERE}"


def test_of_several_links_to_a_broken_page_one_source_is_named() -> None:
    report = linking(linking(Report(errors={THERE: "answers 404"}), THERE), THERE)

    assert str(report.broken()[0]) == f"{THERE}: answers 404; linked from {HERE} and 1 more"


def test_a_page_that_was_asked_for_is_broken_without_any_link() -> None:
    assert str(Report(errors={HERE: "no answer"}).broken()[0]) == f"{HERE}: no answer"


def test_an_anchor_that_is_not_on_the_page_is_broken() -> None:
    report = linking(Report(pages={THERE: Page(anchors={"part"})}), THERE, "parts")

    assert [broken.target for broken in report.broken()] == [f"{THERE}#parts"]


def test_an_anchor_that_is_on_the_page_is_not_broken() -> None:
    assert not linking(Report(pages={THERE: Page(anchors={"part"})}), THERE, "part").broken()


def test_an_anchor_is_looked_for_where_the_page_has_moved() -> None:
    report = linking(Report(moved={THERE: Link(HERE)}, pages={HERE: Page(anchors={"part"})}), THERE, "part")

    assert not report.broken()
    assert linking(report, THERE, "parts").broken()


def test_pages_that_moved_in_a_circle_are_broken() -> None:
    report = linking(Report(moved={THERE: Link(HERE), HERE: Link(THERE)}), THERE)

    assert [broken.why for broken in report.broken()] == ["been bound a circle"]


def test_what_was_not_visited_and_what_is_no_page_is_not_broken() -> None:
    report = linking(linking(Report(files={"http://a.test/x.pdf"}), "http://a.test/x.pdf", "page=2"), THERE)

    assert not report.broken()


def test_percentiles_are_those_of_the_answers() -> None:
    report = Report(seconds=[n / 100 for n in range(101)])

    assert (report.percentile(50), report.percentile(95)) == (0.5, 0.95)


def test_percentiles_of_hardly_any_answer_are_that_answer() -> None:
    assert Report().percentile(50) == 0
    assert Report(seconds=[2.0]).percentile(95) == 2.0
