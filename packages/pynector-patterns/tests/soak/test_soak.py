"""The soak itself works, and sees what it is there to see."""

import anyio
import anyio.lowlevel
import pytest
from memory import ROUNDS, THIRDS, Memory
from soak import Soak
from turns import Turns


@pytest.mark.parametrize("backend", ["asyncio", "uvloop", "trio"])
def test_nothing_is_left_after_a_second_of_churn(backend: str) -> None:
    if backend == "uvloop":
        pytest.importorskip("uvloop")
    soak = Soak(backend, 1, seed=1)

    soak.run()

    assert soak.rounds >= 1
    assert soak.churn.outcomes["answered"]
    assert soak.churn.outcomes["late"]
    assert soak.server.refused
    assert soak.server.accepted


def test_a_leak_shows_as_growth() -> None:
    memory, leak = Memory(), list[object]()
    for _ in range(THIRDS * ROUNDS):
        leak.extend([number] for number in range(1000))
        memory.sample()

    with pytest.raises(AssertionError, match="blocks left by 10 rounds"):
        memory.check(blocks=10, size=10)


def test_few_samples_are_not_judged() -> None:
    memory = Memory()
    for _ in range(THIRDS * ROUNDS - 1):
        memory.sample()

    with pytest.raises(AssertionError, match=r"^29 samples tell nothing, 30 are needed"):
        memory.check(blocks=10, size=10)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_that_spins_shows_as_turns(backend: str) -> None:
    turns = Turns()
    name, options = turns.options(backend)

    async def spin(seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while True:
                await anyio.lowlevel.checkpoint()

    count, _ = anyio.run(turns.watch, spin, 0.05, backend=name, backend_options=options)

    assert count > 1000
