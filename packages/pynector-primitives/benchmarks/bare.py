"""What an event loop itself gives to wait with, for the limit rows: no rule, and not to be cancelled."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any

import trio
from harness import ASYNCIO, TRIO, Row, Work


def turn() -> Callable[[], Awaitable[None]]:
    """The way to pass one turn of the event loop that runs here."""
    return trio.lowlevel.checkpoint if trio.lowlevel.in_trio_run() else partial(asyncio.sleep, 0)


class Nothing:
    """Two coroutines that do nothing: what `async with` itself costs."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


class Turn(Nothing):
    """The same with one turn of the event loop; so does `wait`."""

    def __init__(self) -> None:
        self.wait = turn()

    async def __aenter__(self) -> None:
        await self.wait()

    def set(self) -> None:
        pass


class Waits(Nothing, ABC):
    """Tasks that wait to be notified, as those of a condition do; nobody need hold a lock."""

    @abstractmethod
    async def wait(self) -> None: ...

    @abstractmethod
    def notify(self) -> None:
        """Wake the first, if one waits."""

    @abstractmethod
    def notify_all(self) -> None: ...


class Futures(Waits):
    """On asyncio: a deque of futures."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await future

    def notify(self) -> None:
        if self.waiting:
            self.waiting.popleft().set_result(None)

    def notify_all(self) -> None:
        while self.waiting:
            self.waiting.popleft().set_result(None)


class Tasks(Waits):
    """On trio: a deque of tasks."""

    def __init__(self) -> None:
        self.waiting: deque[trio.lowlevel.Task] = deque()

    async def wait(self) -> None:
        self.waiting.append(trio.lowlevel.current_task())
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)

    def notify(self) -> None:
        if self.waiting:
            trio.lowlevel.reschedule(self.waiting.popleft())

    def notify_all(self) -> None:
        while self.waiting:
            trio.lowlevel.reschedule(self.waiting.popleft())


def waits() -> Waits:
    """What tasks wait with on the event loop that runs here."""
    return Tasks() if trio.lowlevel.in_trio_run() else Futures()


class Held:
    """A lock: whoever leaves notifies the next, and it stays held."""

    def __init__(self) -> None:
        self.held = False
        self.waits: Any = waits()

    async def __aenter__(self) -> None:
        if self.held:
            await self.waits.wait()
        self.held = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.waits.waiting:
            self.waits.notify()
        else:
            self.held = False


class Room:
    """A queue of ten; who waited is overtaken."""

    def __init__(self) -> None:
        self.items: deque[int] = deque()
        self.putters, self.getters = waits(), waits()

    async def put(self, item: int) -> None:
        while len(self.items) >= 10:
            await self.putters.wait()
        self.put_nowait(item)

    async def get(self) -> int:
        while not self.items:
            await self.getters.wait()
        return self.get_nowait()

    def put_nowait(self, item: int) -> None:
        self.items.append(item)
        self.getters.notify()

    def get_nowait(self) -> int:
        item = self.items.popleft()
        self.putters.notify()
        return item


class RoomInTurn(Room):
    """The same; what does not wait passes a turn of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = turn()

    async def put(self, item: int) -> None:
        if len(self.items) < 10:
            await self.turn()
        await super().put(item)

    async def get(self) -> int:
        if self.items:
            await self.turn()
        return await super().get()


def limits(work: Callable[[Callable[[], Any]], Callable[[], Work]], make: Callable[[], Any]) -> list[Row]:
    """What the same costs with futures, or trio's tasks, and a deque."""
    return [
        Row("limit: a deque of futures", work(make), "without any rule", ASYNCIO),
        Row("limit: a deque of trio's tasks", work(make), "without any rule", TRIO),
    ]
