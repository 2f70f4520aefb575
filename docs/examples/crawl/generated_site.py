"""A web site that is made up."""

from collections import Counter
from enum import Enum, auto
from random import Random

import anyio

from .server import Answer, HangUp

USUAL_SECONDS = 0.04
SLOW_SECONDS = 0.4
NEVER_SECONDS = 60.0
CHILDREN = 8
PARTS = 3
WORDS = "lock event scope task pool queue worker limit retry layer stair wait wake lend give back".split()


class Manner(Enum):
    """What is peculiar to a page."""

    NOTHING = auto()
    SLOW = auto()
    BUSY_AT_FIRST = auto()
    SILENT_AT_FIRST = auto()
    HANGS_UP_AT_FIRST = auto()
    MOVED = auto()
    FAILS = auto()
    LINKS_TO_NO_PAGE = auto()
    LINKS_TO_NO_ANCHOR = auto()


# Of each hundred pages.
MANNERS = {
    13: Manner.SLOW,
    19: Manner.LINKS_TO_NO_PAGE,
    22: Manner.BUSY_AT_FIRST,
    31: Manner.SILENT_AT_FIRST,
    37: Manner.FAILS,
    41: Manner.HANGS_UP_AT_FIRST,
    44: Manner.LINKS_TO_NO_ANCHOR,
    53: Manner.SLOW,
    57: Manner.MOVED,
    69: Manner.LINKS_TO_NO_PAGE,
    72: Manner.BUSY_AT_FIRST,
    83: Manner.SLOW,
    91: Manner.HANGS_UP_AT_FIRST,
}


class GeneratedSite:
    """Interlinked pages; some are slow, some fail at first, some are broken. Always the same ones.

    Args:
        pages: How many there are, the home page included.
    """

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._visits: Counter[int] = Counter()

    async def answer(self, target: str) -> Answer:
        """Give the page at *target*, in its own manner."""
        number = number_of(target)
        if number is None or number >= self._pages:
            return Answer(b"there is no such page", 404)
        self._visits[number] += 1
        if self._visits[number] == 1 and (refusal := await first_answer(number)):
            return refusal
        manner = manner_of(number)
        await anyio.sleep(SLOW_SECONDS if manner is Manner.SLOW else USUAL_SECONDS)
        if manner is Manner.FAILS:
            return Answer(b"this page never works", 500)
        if manner is Manner.MOVED:
            return Answer(status=301, headers=(("Location", path_of(number - 1)),))
        return Answer(self._html(number).encode())

    @property
    def broken(self) -> set[str]:
        """The targets of all links that lead nowhere."""
        return {target for number in range(self._pages) for target in self._broken_on(number)}

    def _broken_on(self, number: int) -> list[str]:
        broken = {
            Manner.LINKS_TO_NO_PAGE: f"/missing/{number}",
            Manner.LINKS_TO_NO_ANCHOR: f"{path_of(number - 1)}#nowhere",
            Manner.FAILS: path_of(number),
        }.get(manner_of(number))
        return [broken] if broken else []

    def _html(self, number: int) -> str:
        random = Random(number)
        parts = [f'<h2 id="part-{part}">Part {part}</h2><p>{prose(random)}' for part in range(PARTS)]
        links = [f'<li><a href="{link}">{link}</a>' for link in self._links(number, random)]
        return f"<!doctype html><title>Page {number}</title>{''.join(parts)}<ul>{''.join(links)}</ul>"

    def _links(self, number: int, random: Random) -> list[str]:
        # Each page is linked from its parent and from both neighbours: all can be reached past a broken one.
        children = range(number * CHILDREN + 1, number * CHILDREN + 1 + CHILDREN)
        pages = [page for page in (number - 1, number + 1, *children) if 0 <= page < self._pages]
        parts = [f"{path_of(random.randrange(self._pages))}#part-{random.randrange(PARTS)}" for _ in range(5)]
        return [*map(path_of, pages), *parts, *self._broken_on(number)]


async def first_answer(number: int) -> Answer | None:
    """What comes of the first request for a page, if it is not what comes of all others."""
    manner = manner_of(number)
    if manner is Manner.HANGS_UP_AT_FIRST:
        raise HangUp
    if manner is Manner.SILENT_AT_FIRST:
        await anyio.sleep(NEVER_SECONDS)
    if manner is Manner.BUSY_AT_FIRST:
        return Answer(b"too busy", 503, headers=(("Retry-After", "1"),))
    return None


def manner_of(number: int) -> Manner:
    """What is peculiar to a page."""
    return MANNERS.get(number % 100, Manner.NOTHING)


def path_of(number: int) -> str:
    """The path of a page."""
    return f"/pages/{number}" if number else "/"


def number_of(path: str) -> int | None:
    """The number of the page at *path*, if it can be one."""
    number = "0" if path == "/" else path.removeprefix("/pages/")
    return int(number) if number.isdecimal() else None


def prose(random: Random) -> str:
    """A paragraph."""
    return " ".join(random.choices(WORDS, k=120))
