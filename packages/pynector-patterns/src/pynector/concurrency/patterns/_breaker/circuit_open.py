"""The refusal of an open circuit."""


class CircuitOpenError(Exception):
    """A `CircuitBreaker` refused the call: what stands behind it failed too often.

    A `RetryPolicy` that retries on it waits at least `retry_after` seconds.

    Attributes:
        retry_after: The seconds until a call may be tried; 0.0 if one is being tried right now.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])
