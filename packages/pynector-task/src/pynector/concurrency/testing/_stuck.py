"""The error of a test that would hang."""

from __future__ import annotations

from ._run import Finding


class Stuck(RuntimeError):
    """Nothing is ready to run and no timer is left: the message says which tasks wait, and where."""


def stuck(finding: Finding) -> Stuck:
    """The error that tells of a finding."""
    return Stuck("\n  ".join([finding.text, *finding.waiting]))
