"""The connections of a pool: how they come, and how they go."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pynector.concurrency.cancel import move_on_after
from pynector.concurrency.task.lowlevel import current_time, operation_budget, time_asker

from .attempt import Attempt
from .closing import Closing
from .connector import Connector
from .ledger import Ledger
from .own_tasks import OwnTasks
from .refusal import closed_pool
from .retry_pause import RetryPause
from .slot import Slot
from .state import PoolState
from .terms import Terms

C = TypeVar("C")


class Stock(PoolState[C]):
    """Opens and closes connections, in the places that the state keeps for them.

    Args:
        terms: What was said when the pool was made.
        factory: Gives an awaitable or a context manager.
        ledger: Where everything is noted.
        tasks: Where connections are closed.

    Attributes:
        now: Tells the time of the event loop's clock, or 0 where it does not matter: to ask costs much.
    """

    __slots__ = (
        "_attempts",
        "_generation",
        "_max_idle",
        "_max_uses",
        "budget",
        "connector",
        "ledger",
        "now",
        "retry_pause",
        "tasks",
        "terms",
    )

    def __init__(self, terms: Terms[C], factory: Callable[[], Any], ledger: Ledger, tasks: OwnTasks) -> None:
        super().__init__(
            terms.max_connections,
            fifo=terms.order == "fifo",
            plain=terms.is_plain,
            bounded=terms.limits.max_waiting is not None,
        )
        self.terms: Terms[C] = terms
        self.now: Callable[[], float] = current_time if terms.needs_clock else _no_time
        self.ledger: Ledger = ledger
        self.tasks: OwnTasks = tasks
        self.budget: Iterator[bool] = operation_budget()
        self.connector: Connector[C] = Connector(factory, self._broken)
        self.retry_pause: RetryPause = RetryPause()
        self._attempts: list[Attempt] = []
        self._generation = 0
        limits = terms.limits
        self._max_idle = math.inf if limits.max_idle is None else limits.max_idle
        self._max_uses = math.inf if limits.max_uses is None else limits.max_uses

    def check_open(self) -> None:
        """Refuse to work when the pool is closed."""
        if self.closed:
            raise closed_pool()

    def lessened(self) -> None:
        """There is a connection less, or a place that was kept is free."""

    def others_failed(self, error: Exception) -> None:
        """The factory failed, and there is no connection that could come back."""

    async def open(self) -> Slot[C]:
        """Open a connection in the place that is kept for it; it counts as lent.

        Raises:
            anyio.ClosedResourceError: the pool was closed meanwhile.
            Exception: what the factory raised.
        """
        attempt = Attempt(self.retry_pause.begin(), self._generation, current_time())
        slot: Slot[C] | None = None
        self._attempts.append(attempt)
        try:
            self.check_open()
            with attempt.scope:  # cancelled when the pool is closed
                slot = await self.connector.open(attempt)
                self._check_new(slot)
        except BaseException as error:
            self._opening_failed(attempt, error)
            await self._give_up(attempt)
            raise
        finally:
            self._attempts.remove(attempt)
        if slot is None:
            await self._give_up(attempt)
            self.check_open()
        assert slot is not None
        self._add(slot, attempt)
        if self.closed:
            await self.dispose(slot)
            self.check_open()
        return slot

    def has(self, connection: C) -> bool:
        """Whether *connection* is open in this pool."""
        return id(connection) in self.slots

    def _check_new(self, slot: Slot[C]) -> None:
        if self.has(slot.connection):
            raise RuntimeError(
                f"connection_factory gave {slot.connection!r} a second time;"
                " each call must open a new connection"
            )

    def _add(self, slot: Slot[C], attempt: Attempt) -> None:
        self.retry_pause.succeeded()
        self.ledger.created += 1
        if self.terms.needs_clock:
            self.now = time_asker()
        now = current_time()
        limits = self.terms.limits
        if limits.max_lifetime is not None:
            slot.ends_at = now + limits.max_lifetime * (1 - limits.lifetime_jitter * random.random())
        self.opened(slot)
        if attempt.generation != self._generation:
            self.expire(slot)
        self.ledger.tell("opened", slot.connection, now - attempt.since)

    def _opening_failed(self, attempt: Attempt, error: BaseException) -> None:
        if isinstance(error, Exception) and not self.closed:
            now = current_time()
            self.failing = True
            self.settle()
            self.retry_pause.failed(attempt.begun, error, now)
            self.ledger.failed += 1
            self.ledger.tell("open_failed", None, now - attempt.since, error)
            if not self.slots and self.opening == 1:
                self.others_failed(error)

    async def _give_up(self, attempt: Attempt) -> None:
        """Nothing came of an attempt: its place is free when nothing is left of it. Limited, and shielded."""
        owner = attempt.owner
        if owner is None or owner.task.has_ended:
            self.not_opened()
            return
        owner.give_up()
        self.given_up()
        owner.task.when_ended(self.gone)
        try:
            with move_on_after(self.terms.close_timeout, shield=True):
                await owner.task.wait()
        finally:
            owner.cancel()

    def not_opened(self) -> None:
        super().not_opened()
        self.lessened()

    def gone(self) -> None:
        super().gone()
        self.lessened()

    async def dispose(self, slot: Slot[C]) -> None:
        """Close a lent connection; shielded, and bounded in time."""
        self.retire(slot)
        await Closing.all_ended([self.start_closing(slot)])

    def came_late(self, slot: Slot[C]) -> None:
        self.retire(slot)
        self.start_closing(slot)

    def close_idle(self, slots: Sequence[Slot[C]]) -> list[Closing]:
        """Begin to close idle connections."""
        for slot in slots:
            self.retire_idle(slot)
        return [self.start_closing(slot) for slot in slots]

    async def replace(self, slot: Slot[C]) -> None:
        """Close a lent connection, and keep its place to open another."""
        self.retire(slot)
        self.keep_place()
        closing = self.start_closing(slot, self.replaced)
        try:
            await closing.wait()
        except BaseException:
            if closing.has_ended:
                self.not_opened()
            else:
                self.leave_place()
                closing.then = self.gone
            raise

    def expire_all(self) -> list[Closing]:
        """Let no connection that is open or being opened be lent again; begin to close the idle ones."""
        self._generation += 1
        for slot in self.slots.values():
            self.expire(slot)
        return self.close_idle(tuple(self.idle))

    def set_maximum(self, max_connections: int) -> list[Closing]:
        """Change how many connections there may be, and begin to close idle ones that are too many."""
        self.max_connections = max_connections
        self.pass_places_on()
        surplus = max(0, self.staying - max_connections)
        return self.close_idle(tuple(self.idle)[:surplus])

    def stop_opening(self) -> None:
        """Cancel what is being opened."""
        for attempt in self._attempts:
            attempt.scope.cancel()

    def start_closing(self, slot: Slot[C], then: Callable[[], object] | None = None) -> Closing:
        """Close a connection that was retired before, in a task of its own."""
        return Closing(slot, self.terms.close_timeout, self.ledger, self.tasks, then or self.gone)

    def _broken(self, slot: Slot[C], error: BaseException | None) -> None:
        if slot.closed:
            return
        self.ledger.tell("broken", slot.connection, 0.0, error)
        if slot in self.idle:
            self.retire_idle(slot)
            self.ledger.discarded += 1
            self.gone()
        else:
            self.expire(slot)


def _no_time() -> float:
    return 0.0
