"""What an exploration did, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field

from .failure import Failure


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


@dataclass(slots=True)
class Report:
    """What an exploration did, and what it found.

    Attributes:
        scenario: The name of the scenario.
        schedules: Schedules run.
        steps: Steps taken, in all.
        seconds: Time it took, making failures shorter included.
        seeds: The schedules, in words.
        fired: For each kind of fault that was asked for, how often it was really injected.
        failures: The ways in which the scenario fails, the one seen first at the front.
        exhausted: Whether no other schedule is left to try (`order="dfs"`).
        lateness: Seconds by which timers could fire late.
        stopped_after: The failing schedules after which it stopped early (`max_failures`), or 0.
        unfired: Why nothing was injected, in words, where that is known.
    """

    scenario: str
    schedules: int = 0
    steps: int = 0
    seconds: float = 0.0
    seeds: str = ""
    fired: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[Failure] = field(default_factory=list[Failure])
    exhausted: bool = False
    lateness: float = 0.0
    stopped_after: int = 0
    unfired: str = ""

    @property
    def ok(self) -> bool:
        """Nothing failed, and every kind of fault that was asked for was injected at least once."""
        return not self.failures and all(self.fired.values())

    def check(self) -> None:
        """Raise unless all is well.

        Raises:
            AssertionError: With the report: a schedule failed, or a fault that was asked for never fired.
        """
        __tracebackhide__ = True  # pytest shows the test, not this function
        if not self.ok:
            raise AssertionError(str(self)) from next((failure.error for failure in self.failures), None)

    def __str__(self) -> str:
        return "\n".join([self._summary(), *self._stopped(), *self._unfired(), *map(str, self.failures)])

    def _summary(self) -> str:
        kinds = len(self.failures)
        count = {0: "no failure", 1: "1 kind of failure"}.get(kinds, f"{kinds} kinds of failure")
        schedules = "1 schedule" if self.schedules == 1 else f"{self.schedules:,} schedules"
        rate = f"{self.schedules / self.seconds:,.0f} a second" if self.seconds else "at once"
        fired = "".join(f", {kind} x {times}" for kind, times in self.fired.items())
        late = f", timers up to {self.lateness:g} s late" if self.lateness else ""
        left = f", none left to try{'' if late else ' with each timer on time'}" if self.exhausted else ""
        return (
            f"{self.scenario}: {count} in {schedules} of {self.steps:,} steps"
            f" ({self.seeds}{late}{left}; {rate}){fired}"
        )

    def _stopped(self) -> list[str]:
        if not self.stopped_after:
            return []
        schedules = "schedule" if self.stopped_after == 1 else "schedules"
        return [f"stopped after {self.stopped_after} failing {schedules} (max_failures)"]

    def _unfired(self) -> list[str]:
        kinds = [kind for kind, times in self.fired.items() if not times]
        if not kinds:
            return []
        if self.unfired and not any(self.fired.values()):
            return [self.unfired]
        return [f"{kind}: never injected; nothing is proved" for kind in kinds]
