"""A folder as a web site."""

import pytest

from crawl.folder import Folder

pytestmark = pytest.mark.anyio


async def test_a_file_is_answered_with_its_kind(folder):
    answer = await Folder(folder(about="<p>")).answer("/about.html?q=1")

    assert (answer.status, answer.body, answer.content_type) == (200, b"<p>", "text/html")


async def test_a_folder_shows_its_index(folder):
    assert (await Folder(folder(index="<p>")).answer("/")).body == b"<p>"


async def test_a_folder_without_its_slash_is_moved(tmp_path):
    (tmp_path / "a b").mkdir()

    answer = await Folder(tmp_path).answer("/a%20b")

    assert (answer.status, answer.headers) == (301, (("Location", "/a%20b/"),))


@pytest.mark.parametrize("target", ["/missing.html", "/", "/../secret.html", "/%2e%2e/secret.html", "/%00"])
async def test_what_is_not_in_the_folder_is_not_found(tmp_path, target):
    (tmp_path / "secret.html").touch()
    (tmp_path / "site").mkdir()

    assert (await Folder(tmp_path / "site").answer(target)).status == 404


def test_pages_are_the_html_files_of_all_folders(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a.html", "b/index.html", "b/c.css"):
        (tmp_path / name).touch()

    assert Folder(tmp_path).pages == ["/a.html", "/b/"]


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(NotADirectoryError, match="missing is no folder"):
        Folder(tmp_path / "missing")
