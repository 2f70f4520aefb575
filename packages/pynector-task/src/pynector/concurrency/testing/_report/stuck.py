"""The error of a test that would hang."""

from __future__ import annotations

from .._schedule.run import Finding


class Stuck(RuntimeError):
    """A test would hang; the message says which tasks wait, and where.

    Nothing is ready to run and no timer is left, or a task does not come to its next `await`.
    """


def stuck(finding: Finding) -> Stuck:
    """The error that tells of a finding."""
    return Stuck("\n  ".join([finding.text, *finding.waiting]))
