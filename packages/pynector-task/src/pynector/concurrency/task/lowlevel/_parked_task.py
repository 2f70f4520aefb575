"""The record of a task that waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParkedTask:
    """Who waits for what, since when, held by whom.

    Attributes:
        name: The task's name.
        waits_for: What it waits for, such as `Lock`.
        since: When it began to wait, in seconds on the event loop's clock (`anyio.current_time()`).
        held_by: The names of those who hold what it waits for; empty if nobody does, or none is known.
    """

    name: str
    waits_for: str
    since: float
    held_by: tuple[str, ...]

    def __str__(self) -> str:
        holders = f", held by {', '.join(map(repr, self.held_by))}" if self.held_by else ""
        return f"{self.name!r} waits for {self.waits_for} since {self.since:.3f}{holders}"
