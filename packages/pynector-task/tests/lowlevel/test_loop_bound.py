"""A lot belongs to the event loop in which a task first parks."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from pynector.concurrency.task.lowlevel import ParkingLot
from pynector.concurrency.testing import wait_until_blocked

on_every_backend = pytest.mark.anyio


def in_another_thread(call: Callable[[], object]) -> BaseException | None:
    """Give what *call* raises in a thread of its own."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="stranger")
    thread.start()
    thread.join()
    return errors[0] if errors else None


def lot_of_a_finished_loop(backend: str) -> ParkingLot[None]:
    lot: ParkingLot[None] = ParkingLot("Gate")
    anyio.run(park_once, lot, backend=backend)
    return lot


async def park_once(lot: ParkingLot[None]) -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(lot.park, lambda _: None)
        await wait_until_blocked()
        lot.unpark(None)


@on_every_backend
@pytest.mark.parametrize(
    ("call", "doing"),
    [
        (lambda lot: lot.unpark(None), "waking a task"),
        (lambda lot: lot.fail_all(OSError), "waking all tasks"),
        (lambda lot: lot.check_loop("opening"), "opening"),
        (lambda lot: lot.park(print).send(None), "waiting"),
    ],
)
async def test_use_from_another_thread_is_refused(call: Callable[[Any], object], doing: str) -> None:
    lot: ParkingLot[None] = ParkingLot("Gate")
    await park_once(lot)
    home = threading.current_thread().name

    error = await anyio.to_thread.run_sync(in_another_thread, lambda: call(lot))

    assert isinstance(error, RuntimeError)
    assert str(error) == (
        f"Gate: {doing} in thread 'stranger'; it belongs to the event loop of thread {home!r};"
        " use anyio.from_thread.run_sync() or anyio.from_thread.run()"
    )


@on_every_backend
async def test_what_the_error_advises_works() -> None:
    lot: ParkingLot[None] = ParkingLot("Gate")

    async with anyio.create_task_group() as tg:
        tg.start_soon(lot.park, lambda _: None)
        await wait_until_blocked()
        await anyio.to_thread.run_sync(lambda: anyio.from_thread.run_sync(lot.unpark, None))

    assert len(lot) == 0


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_waiting_in_another_event_loop_is_refused(first: str, second: str) -> None:
    lot = lot_of_a_finished_loop(first)

    with pytest.raises(RuntimeError) as refusal:
        anyio.run(lambda: lot.park(lambda _: None), backend=second)

    assert str(refusal.value) == (
        "Gate: waiting in another event loop than the one it first waited in"
        " (both in thread 'MainThread'); make a new Gate for each event loop"
    )


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("call", [lambda lot: lot.unpark(None), lambda lot: lot.fail_all(OSError)])
def test_waking_in_another_event_loop_is_refused(first: str, second: str, call: Callable[..., Any]) -> None:
    async def main() -> None:
        call(lot)

    lot = lot_of_a_finished_loop(first)

    with pytest.raises(RuntimeError, match=r"^Gate: waking .* in another event loop"):
        anyio.run(main, backend=second)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_no_loop_running_the_right_thread_is_enough(backend: str) -> None:
    lot = lot_of_a_finished_loop(backend)

    lot.check_loop("closing")

    assert lot.unpark(None) is None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_no_loop_running_the_wrong_thread_is_refused(backend: str) -> None:
    lot = lot_of_a_finished_loop(backend)

    error = in_another_thread(lambda: lot.unpark(None))

    assert "in thread 'stranger'" in str(error)


@on_every_backend
async def test_a_lot_that_nobody_waited_in_belongs_to_no_loop() -> None:
    lot: ParkingLot[None] = ParkingLot("Gate")

    assert in_another_thread(lambda: lot.unpark(None)) is None
    assert in_another_thread(lambda: lot.check_loop("opening")) is None


def test_parking_outside_an_event_loop_is_refused() -> None:
    with pytest.raises(anyio.NoEventLoopError) as refusal:
        ParkingLot("Gate").park(lambda _: None).send(None)

    assert str(refusal.value) == (
        "no task is running here; call this from an async function run by asyncio or trio"
    )


def test_a_callback_of_the_home_loop_may_wake() -> None:
    async def main() -> str:
        lot: ParkingLot[str] = ParkingLot("Gate")
        asyncio.get_running_loop().call_soon(lot.unpark, "too early")
        asyncio.get_running_loop().call_later(0.01, lot.unpark, "value")
        waits: Awaitable[str] = lot.park(lambda _: None)
        return await waits

    assert asyncio.run(main()) in ("too early", "value")


@pytest.mark.parametrize("waited_in", [0, 1])
@pytest.mark.parametrize("used", [0, 1])
@pytest.mark.parametrize(
    "use", [lambda lot: lot.unpark(None), lambda lot: lot.check_loop("using"), lambda lot: lot.enqueue()]
)
def test_lots_beside_each_other_belong_to_one_event_loop(
    waited_in: int, used: int, use: Callable[[ParkingLot[None]], object]
) -> None:
    first: ParkingLot[None] = ParkingLot("Gate")
    lots = first, ParkingLot[None]("Gate", same_loop_as=first)
    anyio.run(park_once, lots[waited_in])

    async def main() -> None:
        with pytest.raises(RuntimeError, match="in another event loop than the one it first waited in"):
            use(lots[used])

    anyio.run(main)
