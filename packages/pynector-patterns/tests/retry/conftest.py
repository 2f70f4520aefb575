"""A service that fails as told."""

from collections.abc import Callable, Iterable
from typing import Any

import anyio
import pytest


class Service:
    """Fails as told, one outcome a call: an error is raised, "slow" never answers, the rest is returned."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[tuple[object, ...]] = []
        self.times: list[float] = []

    async def __call__(self, *args: object) -> Any:
        self.calls.append(args)
        self.times.append(anyio.current_time())
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome == "slow":
            await anyio.sleep_forever()
        return outcome

    @property
    def pauses(self) -> list[float]:
        """The seconds from one call to the next."""
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]


@pytest.fixture
def service() -> Callable[..., Service]:
    return Service


@pytest.fixture
def failing() -> Callable[[int], Service]:
    """Makes a service that fails so many times, and then answers."""

    def make(times: int) -> Service:
        errors: Iterable[object] = (ConnectionError(f"failure {number}") for number in range(1, times + 1))
        return Service(*errors, "answer")

    return make
