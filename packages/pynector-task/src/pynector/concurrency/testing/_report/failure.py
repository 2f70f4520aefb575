"""A schedule under which a scenario fails."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# Said of a task that takes steps without end; the line that it has come to is a matter of chance.
GOES_ROUND = "goes round at"

# Of these, the place is the sort; what they say is the same everywhere.
_TOLD_BY_PLACE = frozenset({"deadlock", "livelock", "leaked task"})


def signature(kind: str, text: str, waiting: Iterable[str]) -> str:
    """Kind and text without numbers; where tasks hang or are left behind, also the lines."""
    parts = [f"{kind}: {text}"]
    if kind in _TOLD_BY_PLACE:
        parts += sorted({_without_numbers(_place(line)) for line in waiting})
    return _without_numbers("; ".join(parts))


def _place(line: str) -> str:
    return line.partition("  (in ")[0].partition(GOES_ROUND)[0]


def _without_numbers(text: str) -> str:
    return re.sub(r"0x[0-9a-fA-F]+|[0-9]+", "N", text)


NOT_DETERMINISTIC = "not deterministic"

_SHOWN_LINES = 20  # at either end


@dataclass(slots=True)
class Failure:
    """A way in which a scenario fails, with the shortest schedule found that makes it fail.

    Attributes:
        kind: `exception`, `invariant`, `deadlock`, `livelock`, `leaked task`, `swallowed cancellation`,
            `never awaited`, `unhandled error` or `not deterministic`.
        text: What happened, in a line.
        token: The schedule, for `replay`.
        seed: The token of the schedule that failed first, before it was made shorter.
        step: The steps that had been taken when it happened.
        count: The schedules that failed in this way.
        injected: What was injected, and where: the victim and the line on which it waited.
        raised: Where something was raised, the lines.
        waiting: The tasks that were alive, each with the line on which it waited.
        trace: The schedule as a list: step, task, and the line on which that task waits after the step.
        scenario: The name of the scenario.
        repeatable: Whether the same schedule failed again. If not, the scenario depends on more than its
            schedule: on real time, on random numbers, on addresses.
        again: What to do to see it again, where that is not `replay`.
        error: What was raised, where something was; not across processes.
    """

    kind: str
    text: str
    token: str
    seed: str = ""
    step: int = 0
    count: int = 1
    injected: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    scenario: str = "scenario"
    repeatable: bool = True
    again: str = ""
    error: BaseException | None = field(default=None, repr=False, compare=False)

    @property
    def signature(self) -> str:
        """What failures of the same sort have in common."""
        return signature(self.kind, self.text, self.waiting)

    @property
    def replay(self) -> str:
        """The line of code, or the command, that runs this schedule again."""
        return self.again or f'replay({self.scenario}, "{self.token}")'

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        schedules = "schedule" if self.count == 1 else "schedules"
        lines = [f"{self.kind} at step {self.step}, in {self.count} {schedules}: {self.text}"]
        lines += [
            f"  {line}"
            for line in (*self.injected, *(f"raised at {place}" for place in self.raised), *self.waiting)
        ]
        if self.trace:
            lines.append("  schedule (step, task, where it waits afterwards):")
            lines += [f"    {line}" for line in _shortened(self.trace)]
        if self.repeatable:
            return [
                *lines,
                f"  first seen with {self.seed or self.token}; to see it again:",
                f"    {self.replay}",
            ]
        if self.kind != NOT_DETERMINISTIC:
            lines.append("  it did not fail again under the same schedule: the scenario is not deterministic")
        return [*lines, f"  seen with {self.seed or self.token}"]


def _shortened(lines: tuple[str, ...]) -> tuple[str, ...]:
    skipped = len(lines) - 2 * _SHOWN_LINES
    if skipped <= 1:
        return lines
    return *lines[:_SHOWN_LINES], f"  ...  {skipped} lines", *lines[-_SHOWN_LINES:]
