"""What AnyIO's tests ask for and we do not give: each with the reason."""

import pytest

CAUGHT = "cancelled_caught is also true if cancel() was called and the block ended without an exception"

DIFFERENCES = {
    "test_cancelled_not_caught": CAUGHT,
    "test_cancelled_raises_beyond_origin_shielded": CAUGHT,
    "test_nested_move_on_after": "compares two deadlines to the last bit, and each comes from Unix time here",
    "TestCapacityLimiter::test_current_default_thread_limiter": "asks for the class of AnyIO's own limiter",
    "test_cancel_with_nested_task_groups": "patches a private method of the scope of AnyIO's own group",
    "test_fail_after_scope_cancelled_before_timeout": "expected to fail with AnyIO; it holds here",
}


def reason_for(item: pytest.Item) -> str | None:
    """Give the reason why *item* is left out, or None."""
    name = item.nodeid.partition("::")[2].partition("[")[0]
    return DIFFERENCES.get(name)
