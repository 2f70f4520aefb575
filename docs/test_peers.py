"""Each cell of the tables in `docs/migrating/index.md` says what trying it out gives."""

import gc
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from docs.peers import maps, pools, retries, tried, workers

PAGE = Path(__file__).parent / "migrating" / "index.md"
MODULES = {"Connection pools": pools, "Bounded maps": maps, "Retries": retries, "Workers": workers}


def cells() -> Iterator[tuple[str, str, str, str]]:
    """Give section, row, column and text of each cell of the tables that are tried."""
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        if title in MODULES:
            lines = [line for line in body.splitlines() if line.startswith("|")]
            table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            for row in table[2:]:
                for column, text in zip(table[0][1:], row[1:], strict=True):
                    yield title, row[0], column, text


@pytest.mark.usefixtures("at_server")
@pytest.mark.parametrize(("section", "row", "column", "text"), [*cells()])
def test_cell_says_what_trying_gives(
    section: str, row: str, column: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    probe = tried.PROBES[MODULES[section].__name__, row, column]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = tried.in_words(anyio.run(probe))
        if answer == "no":
            gc.collect()  # what was left open, while nobody minds

    assert text == answer


def test_all_that_is_tried_is_in_the_tables() -> None:
    assert {(MODULES[section].__name__, row, column) for section, row, column, _ in cells()} == set(
        tried.PROBES
    )
