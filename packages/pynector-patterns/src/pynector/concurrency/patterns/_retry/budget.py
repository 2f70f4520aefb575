"""The retry budget."""

from pynector.concurrency.task.lowlevel import check_seconds


class RetryBudget:
    """A bucket of tokens that bounds how much retries add to the load: each retry takes one.

    Each call that succeeds gives back a part of one. So while all goes well there is always a token; in an
    outage the first `tokens` retries empty the bucket, and from then on each call is tried once, until
    calls succeed again. In the long run retries add no more than `per_success` to the load.

    Give it to one `RetryPolicy`, and use that for all calls to the same service; policies for the same
    service may share one budget.

    Args:
        tokens: The most that the bucket holds, at least one. It is full at first.
        per_success: What a successful call gives back.

    Raises:
        TypeError: one of them is no number.
        ValueError: *tokens* is less than one, or *per_success* negative.
    """

    __slots__ = ("_full", "_per_success", "_tokens")

    def __init__(self, tokens: float = 100.0, per_success: float = 0.1) -> None:
        self._tokens = self._full = check_seconds("tokens", tokens, minimum=1.0)
        self._per_success = check_seconds("per_success", per_success, minimum=0.0)

    def __repr__(self) -> str:
        return f"<RetryBudget {self._tokens:g} of {self._full:g} tokens>"

    @property
    def tokens(self) -> float:
        """What is in the bucket."""
        return self._tokens

    def spend(self) -> bool:
        """Take the token of one retry; False: there is none."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def earn(self) -> None:
        """Put in what a successful call gives back."""
        self._tokens = min(self._tokens + self._per_success, self._full)
