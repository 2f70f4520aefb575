"""What a crawl came to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .report import Broken, Report

LINES = 20


@dataclass(frozen=True)
class Outcome:
    """A crawl that has ended, and what was known of the site before.

    Attributes:
        report: What was found.
        expected: The targets that are known not to be there.
        interrupted: Whether it was ended by Ctrl-C.
        seconds: How long it took.
        backend: What it ran on.
    """

    report: Report
    expected: set[str]
    interrupted: bool
    seconds: float
    backend: str

    @cached_property
    def broken(self) -> list[Broken]:
        """The targets that are not there, as far as it is known."""
        return self.report.broken()

    @property
    def wrong(self) -> list[str]:
        """A line for each target that is not there and should be, and for each that should not be and is."""
        unexpected = [f"broken: {broken}" for broken in self.broken if broken.target not in self.expected]
        if self.interrupted or self.report.is_cut:
            return unexpected
        missed = self.expected - {broken.target for broken in self.broken}
        return unexpected + [f"not found to be broken: {target}" for target in sorted(missed)]

    @property
    def exit_code(self) -> int:
        """What the program tells its caller."""
        return 130 if self.interrupted else 1 if self.wrong else 0

    def lines(self) -> Iterator[str]:
        """Give the summary, line by line."""
        report, wrong = self.report, self.wrong
        asked, opened = len(report.seconds), report.connections["opened"]
        p50, p95 = (report.percentile(percent) * 1000 for percent in (50, 95))
        one_by_one = f"one after another they would have taken {sum(report.seconds):.1f} s"
        if self.interrupted:
            yield "interrupted"
        yield f"  pages        {report.visited} visited in {self.seconds:.1f} s on {self.backend}"
        if left := len(report.found) - report.visited:
            yield f"  not visited  {left} that were found"
        if report.is_cut:
            yield f"  not visited  all beyond the first {len(report.found)} that were found"
        yield f"  answers      {asked}, {asked / self.seconds:.0f} a second; {one_by_one}"
        yield f"  each took    p50 {p50:.0f} ms, p95 {p95:.0f} ms"
        yield f"  attempts     {report.retries} retries, {report.timeouts} of them after a time-out"
        yield f"  connections  {opened} opened, {report.connections['lent'] - opened} times reused"
        yield f"  links        {len(report.sources)} checked, {report.elsewhere} to other sites not followed"
        yield f"  broken       {len(self.broken)}" + (
            f", {len(self.expected)} expected" if self.expected else ""
        )
        yield from wrong[:LINES]
        if len(wrong) > LINES:
            yield f"and {len(wrong) - LINES} more"
