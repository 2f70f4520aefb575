"""What a run did, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Trace:
    """The schedule as a list that a person can read."""

    lines: list[str] = field(default_factory=list[str])
    victims: list[str] = field(default_factory=list[str])
    _last: str = ""
    _again: int = 0

    def add(self, step: int, text: str) -> None:
        """Write a line; the same again and again takes two."""
        self._again = self._again + 1 if text == self._last else 0
        self._last = text
        if self._again > 1:
            self.lines.pop()
        self.lines.append(f"{step:5}  {text}" + (f"  ({self._again} times more)" if self._again > 1 else ""))
