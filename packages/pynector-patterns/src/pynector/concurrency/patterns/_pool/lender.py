"""What the pool does: it acts on what `PoolState` decides."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from anyio import CancelScope, ClosedResourceError, move_on_after

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, checkpoint

from .closing import closer_of
from .slot import Grant, Slot
from .state import PoolState

C = TypeVar("C")

CLOSE_TIMEOUT = 5.0


class Lender(PoolState[C]):
    """A pool at work: lends, takes back, opens and closes connections."""

    __slots__ = ("_closed_lent", "_connect", "_lot", "_returned")

    def __init__(self, max_connections: int, connect: Callable[[], Awaitable[C]]) -> None:
        super().__init__(max_connections)
        self._connect = connect
        self._lot: ParkingLot[Grant[C]] = ParkingLot("ConnectionPool")
        self._closed_lent: dict[int, Slot[C]] = {}

    def wake(self, grant: Grant[C]) -> bool:
        return self._lot.unpark(grant) is not None

    async def lend(self, lease: object) -> Slot[C]:
        """Give a connection, after everything has been looked at."""
        try:
            if not self.leases & 63:
                await checkpoint()
            self.check_open()
            grant = self.request()
            if grant is None:
                grant = await self._wait()
            slot = grant if isinstance(grant, Slot) else await self.open()
        except BaseException:
            self.leases -= 1
            raise
        slot.lease = lease
        return slot

    async def _wait(self) -> Grant[C]:
        self.began_to_wait()
        try:
            return await self._lot.park(self.take_back)
        finally:
            self.stopped_waiting()

    async def open(self) -> Slot[C]:
        """Open a connection in the place that is kept for it."""
        try:
            connection = await self._connect()
        except BaseException:
            self.not_opened()
            raise
        slot = Slot(connection, closer_of(connection))
        self.opened(slot)
        if self.closed:
            await self.dispose([slot])
            self.check_open()
        return slot

    async def end(self, slot: Slot[C], *, clean: bool) -> None:
        """A lease ends: keep its connection, or close it."""
        if slot.closed:
            return
        if not clean or self.closed or slot.expired or self.total > self.max_connections:
            await self.dispose([slot])
        else:
            self.give_back(slot)

    async def dispose(self, slots: Iterable[Slot[C]]) -> None:
        """Close lent connections, all at once; shielded, and bounded in time."""
        for slot in slots:
            self.retire(slot)
        await self._close_all(list(slots))

    async def _close_all(self, slots: list[Slot[C]]) -> None:
        if len(slots) == 1:
            return await self._close(slots[0])
        with CancelScope(shield=True):
            async with create_task_group() as tg:
                for slot in slots:
                    tg.start_soon(self._close, slot)

    async def _close(self, slot: Slot[C]) -> None:
        try:
            with move_on_after(CLOSE_TIMEOUT, shield=True):
                await slot.close()
        finally:
            self.gone()

    def check_open(self) -> None:
        if self.closed:
            raise ClosedResourceError("connection pool is closed; a closed pool cannot be used again")

    async def close(self) -> None:
        """Close all connections, the lent ones too."""
        self.shut()
        self._lot.fail_all(self._closed_error)
        self.idle.clear()
        slots = list(self.slots.values())
        await self.dispose(slots)

    def _closed_error(self) -> ClosedResourceError:
        return ClosedResourceError("connection pool was closed while this task waited")

    def lent_slot(self, connection: C) -> Slot[C]:
        slot = self.slots.get(id(connection))
        if slot is None:
            raise RuntimeError("this connection does not belong to this pool")
        if slot.lease is None:
            raise RuntimeError("this connection is not lent; it was given back before")
        return slot
