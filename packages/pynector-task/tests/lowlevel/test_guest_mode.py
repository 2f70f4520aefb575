"""Trio as a guest of an asyncio loop: both event loops run in one thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio.lowlevel

from pynector.concurrency.task import create_task_group
from pynector.concurrency.task.lowlevel import ParkingLot, checkpoint, current_task, watch_exit


async def run_guest(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run *main* in trio, on top of the asyncio loop that runs here."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    trio.lowlevel.start_guest_run(
        main,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=lambda outcome: done.set_result(outcome),
    )
    return (await done).unwrap()


async def rendezvous(lot: ParkingLot[str]) -> list[str]:
    """Use a group, a lot, a checkpoint and a watch, all in the event loop that runs here."""

    async def wait(name: str) -> None:
        watch_exit(current_task(), lambda _: log.append(f"{name} ends"))
        log.append(f"{name} got {await lot.park(lambda _: None)}")

    log: list[str] = []
    async with create_task_group() as tg:
        for waiting, name in enumerate(("one", "two")):
            tg.start_soon(wait, name)
            while len(lot) == waiting:
                await checkpoint()
        lot.unpark("red")
        lot.unpark("green")
    await checkpoint()
    return sorted(log)


EXPECTED = ["one ends", "one got red", "two ends", "two got green"]


def test_the_guest_runs_groups_and_lots_on_trio() -> None:
    async def guest() -> Any:
        assert isinstance(current_task(), trio.lowlevel.Task)
        return await rendezvous(ParkingLot("guest"))

    assert asyncio.run(run_guest(guest)) == EXPECTED


def test_host_and_guest_work_side_by_side_in_one_thread() -> None:
    async def main() -> list[Any]:
        host = rendezvous(ParkingLot("host"))
        guest = run_guest(lambda: rendezvous(ParkingLot("guest")))
        return await asyncio.gather(host, guest)

    assert asyncio.run(main()) == [EXPECTED, EXPECTED]


def test_the_guest_may_not_wait_for_what_belongs_to_the_host() -> None:
    async def guest(lot: ParkingLot[str]) -> None:
        with pytest.raises(RuntimeError) as refusal:
            await lot.park(lambda _: None)
        refusals.append(str(refusal.value))

    async def main() -> None:
        lot: ParkingLot[str] = ParkingLot("Gate")
        await rendezvous(lot)
        await run_guest(lambda: guest(lot))

    refusals: list[str] = []
    asyncio.run(main())
    assert refusals == [
        "Gate: waiting in another event loop than the one it first waited in"
        " (both in thread 'MainThread'); make a new Gate for each event loop"
    ]


@pytest.mark.parametrize("ended", [False, True])
def test_the_host_may_not_wait_for_what_belongs_to_the_guest(ended: bool) -> None:
    async def guest(lot: ParkingLot[str]) -> None:
        await rendezvous(lot)
        while not ended and not refused.is_set():
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        lot: ParkingLot[str] = ParkingLot("Gate")
        run = asyncio.create_task(run_guest(lambda: guest(lot)))
        while not (run.done() if ended else len(lot)):  # noqa: ASYNC110  # an event is of one loop
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await lot.park(lambda _: None)
        refused.set()
        await run

    refused = asyncio.Event()
    asyncio.run(main())


def test_the_host_may_wake_what_waits_in_the_guest() -> None:
    async def guest(lot: ParkingLot[str]) -> str:
        return await lot.park(lambda _: None)

    async def main() -> None:
        lot: ParkingLot[str] = ParkingLot("Gate")
        run = asyncio.create_task(run_guest(lambda: guest(lot)))
        while not len(lot):  # noqa: ASYNC110
            await asyncio.sleep(0)
        lot.unpark("value")  # the same thread, and trio allows it
        assert await run == "value"

    asyncio.run(main())


def test_the_guest_may_wake_what_waits_in_the_host() -> None:
    async def guest(lot: ParkingLot[str]) -> None:
        lot.unpark("value")

    async def main() -> None:
        lot: ParkingLot[str] = ParkingLot("Gate")
        wait = asyncio.create_task(lot.park(lambda _: None))
        await asyncio.sleep(0)
        await run_guest(lambda: guest(lot))
        assert await wait == "value"

    asyncio.run(main())
