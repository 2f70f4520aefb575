"""The nearest deadline around."""

import math
import time

from anyio import current_effective_deadline as nearest_deadline  # bound here: ours may be put in its place
from anyio import current_time


def current_effective_deadline() -> float:
    """Return the nearest deadline of all scopes around the running task, AnyIO's included, as Unix time.

    Returns:
        Unix time; `math.inf` if there is none, `-math.inf` if a scope around is cancelled already.

    Raises:
        anyio.NoEventLoopError: no event loop runs here.
    """
    deadline = nearest_deadline()
    if math.isinf(deadline):
        return deadline
    return time.time() + (deadline - current_time())
