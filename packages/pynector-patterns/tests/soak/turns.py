"""How often an event loop turns: where it turns with nothing to do, something spins."""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

import trio


class Turns:
    """Counts the turns of a loop, and the processor time; uvloop shows the second only."""

    def __init__(self) -> None:
        self.count = 0

    def options(self, backend: str) -> tuple[str, dict[str, Any]]:
        """The name of the backend and its options for `anyio.run`, so that it is counted."""
        if backend == "trio":
            return "trio", {"instruments": [_Instrument(self)]}
        if backend == "uvloop":
            return "asyncio", {"use_uvloop": True}
        return "asyncio", {"loop_factory": lambda: asyncio.SelectorEventLoop(_Selector(self))}

    async def watch(self, sleep: Callable[[float], Any], seconds: float) -> tuple[float, float]:
        """Sleep, and give the turns and the processor seconds that a second took meanwhile."""
        count, processor, began = self.count, time.process_time(), time.perf_counter()
        await sleep(seconds)
        took = time.perf_counter() - began
        return (self.count - count) / took, (time.process_time() - processor) / took


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def select(self, timeout: float | None = None) -> Any:
        self._turns.count += 1
        return super().select(timeout)


class _Instrument(trio.abc.Instrument):
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def before_io_wait(self, timeout: float) -> None:
        self._turns.count += 1
