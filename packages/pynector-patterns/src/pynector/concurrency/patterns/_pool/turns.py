"""Whose turn it is to get a place."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, TypeVar

B = TypeVar("B")


class Turns(Generic[B]):
    """Those who need places: the one that has fewest goes first, of equal ones in turn.

    Each operation takes the same time, however many need places. Those who have the same number stand in one
    line; so there are as many lines as there are numbers, which are few.

    Attributes:
        wanted: How many places they need, all together.
    """

    __slots__ = ("_has", "_lines", "_wanted", "wanted")

    def __init__(self) -> None:
        self.wanted: int = 0
        self._has: dict[B, int] = {}
        self._lines: dict[int, OrderedDict[B, int]] = {}
        self._wanted: dict[int, int] = {}  # by each line

    def note(self, who: B, has: int, needs: int) -> None:
        """Take note of how many places *who* has and needs. Who has as many as before keeps the turn."""
        stays = needs and self._has.get(who) == has
        if who in self._has:
            self._count(who, -self.needs(who))
            if not stays:
                self._leave(who)
        if needs:
            self._has[who] = has
            self._lines.setdefault(has, OrderedDict())[who] = needs
            self._count(who, needs)

    def needs(self, who: B) -> int:
        """How many places *who* needs."""
        return self._lines[self._has[who]][who] if who in self._has else 0

    def first(self) -> B | None:
        """Give the one whose turn it is."""
        return next(iter(self._lines[min(self._lines)])) if self._lines else None

    def with_none(self) -> Iterable[tuple[B, int]]:
        """Give those who have none, in turn, and how many each needs."""
        line = self._lines.get(0)
        return () if line is None else line.items()

    def wanted_by(self, fewest: int, most: int) -> int:
        """How many places are needed by those who have so many."""
        return sum(wanted for has, wanted in self._wanted.items() if fewest <= has <= most)

    def _count(self, who: B, needs: int) -> None:
        has = self._has[who]
        self._wanted[has] = self._wanted.get(has, 0) + needs
        self.wanted += needs

    def _leave(self, who: B) -> None:
        has = self._has.pop(who)
        line = self._lines[has]
        del line[who]
        if not line:
            del self._lines[has], self._wanted[has]
