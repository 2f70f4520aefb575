"""What is refused at the call, and in which words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from runpy import run_path
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from pynector.concurrency.testing import cancel_everywhere, explore, invariant, replay

RUNS = [explore, cancel_everywhere, partial(replay, token="asyncio/fifo")]


async def sleeps(times: int = 1) -> None:
    async with anyio.create_task_group() as tg:
        for _ in range(times):
            tg.start_soon(anyio.sleep, 1)


async def needs_an_argument(size: int) -> None:
    await checkpoint()


def is_sleep(name: str) -> bool:
    return name == "sleep"


@pytest.mark.parametrize("run", RUNS)
def test_a_lambda_is_told_of_partial(run: Any) -> None:
    with pytest.raises(TypeError, match=r"use functools\.partial\(\), not a lambda"):
        run(lambda: sleeps(2))


@pytest.mark.parametrize("run", RUNS)
def test_a_scenario_that_needs_arguments_is_refused(run: Any) -> None:
    with pytest.raises(TypeError, match="called without arguments: missing a required argument: 'size'"):
        run(needs_an_argument)
    with pytest.raises(TypeError, match="called without arguments"):
        run(partial(needs_an_argument, width=1))


def test_a_partial_that_has_them_is_none() -> None:
    explore(partial(needs_an_argument, 1), schedules=2).check()
    explore(partial(needs_an_argument, size=1), schedules=2).check()


def test_a_scenario_whose_annotations_only_a_type_checker_knows_is_run() -> None:
    class Scenario:
        @property
        def __signature__(self) -> object:
            raise NameError("as Python 3.14 does")

        async def __call__(self) -> None:
            await checkpoint()

    explore(Scenario(), schedules=2).check()


@pytest.mark.parametrize("processes", [1, 2])
def test_an_unknown_order_or_backend_is_refused_at_the_call(processes: int) -> None:
    with pytest.raises(ValueError, match="order must be one of fifo, random, pct, dfs, bfs, not 'lifo'"):
        explore(sleeps, order="lifo", processes=processes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="backend must be 'asyncio' or 'trio', not 'curio'"):
        cancel_everywhere(sleeps, backend="curio", processes=processes)


def test_victims_that_cannot_be_sent_to_another_process_are_refused() -> None:
    with pytest.raises(
        ValueError, match="over processes, victims must be a function of a module, not <lambda>"
    ):
        cancel_everywhere(sleeps, victims=lambda name: True, processes=2)


def test_victims_of_a_module_are_asked_in_each_process() -> None:
    report = cancel_everywhere(sleeps, victims=is_sleep, processes=2)

    report.check()
    assert report.fired == cancel_everywhere(sleeps).fired


@pytest.mark.parametrize("run", RUNS)
def test_a_loop_of_trio_is_noticed(run: Any) -> None:
    async def main() -> None:
        run(sleeps)

    with pytest.raises(RuntimeError, match="call them from a function, not a task"):
        trio.run(main)


def test_a_loop_is_noticed_before_processes_are_started() -> None:
    async def main() -> None:
        explore(sleeps, processes=2)

    with pytest.raises(RuntimeError, match="call them from a function, not a task"):
        anyio.run(main)


@pytest.mark.parametrize("check", [checkpoint, 5, None])
def test_an_invariant_that_cannot_be_checked_is_refused(check: Any) -> None:
    async def scenario() -> None:
        invariant(check)

    (failure,) = explore(scenario).failures

    assert failure.text.startswith("TypeError: invariant() takes a plain function")


def test_an_invariant_outside_a_scenario_is_told_where_it_may_be() -> None:
    with pytest.raises(RuntimeError, match=r"explore\(\), cancel_everywhere\(\) or replay\(\)"):
        invariant(lambda: True)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("nonsense", "it names no order"),
        ("asyncio/lifo", "no such order: 'lifo'"),
        ("asyncio/random-x", "no such order: 'random-x'"),
        ("asyncio+lazy/fifo", "no such modifier: 'lazy'"),
        ("asyncio/fifo/scope-x@1", "no such fault: 'scope-x@1'"),
        ("asyncio/banana", "no such order: 'banana'"),
        ("asyncio/0=-1", "no such order: '0=-1'"),
        ("asyncio/-1=2", "no such order: '-1=2'"),
        ("asyncio/fifo/native-1@-3", "no such fault: 'native-1@-3'"),
        ("trio/fifo/native-1@2", "trio knows no native cancellation; faults may be scope or interrupt"),
        ("trio+eager/fifo", "eager tasks are asyncio's; trio has none"),
    ],
)
def test_a_wrong_token_is_told_what_one_looks_like(token: str, why: str) -> None:
    with pytest.raises(ValueError, match="not a schedule's token") as caught:
        replay(sleeps, token)

    assert why in str(caught.value)
    assert "such as 'asyncio/fifo/scope-1@3' or 'trio/random-7'" in str(caught.value)


@pytest.mark.parametrize("token", [None, 5, b"asyncio/fifo"])
def test_a_token_that_is_no_text_is_refused(token: Any) -> None:
    with pytest.raises(TypeError, match="token must be what a failure prints, such as 'asyncio/5=1', not"):
        replay(sleeps, token)


@pytest.mark.parametrize("value", ["x", 1.5, True, None])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    for run, options in (
        (explore, ("schedules", "seed", "max_steps", "max_failures", "processes")),
        (cancel_everywhere, ("orders", "seed", "max_steps", "max_failures", "processes")),
        (partial(replay, token="asyncio/fifo"), ("max_steps",)),
    ):
        for option in options:
            with pytest.raises(TypeError, match=f"{option} must be a whole number, not {value!r}"):
                run(sleeps, **{option: value})


def test_victims_that_cannot_be_asked_are_refused() -> None:
    with pytest.raises(TypeError, match=r"victims must be a function that is given .* name, not 'sleep'"):
        cancel_everywhere(sleeps, victims="sleep")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "why"),
    [("50=3", r"there were only \d+ choices"), ("0=3", "only 2 were ready at choice 0")],
)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_token_whose_choice_never_comes_says_so(backend: str, order: str, why: str) -> None:
    token = f"{backend}/{order}"

    with pytest.warns(RuntimeWarning, match=f"{order} of '{token}' changed nothing: {why}; the token shows"):
        replay(partial(sleeps, 2), token)


def test_an_assert_without_a_message_shows_its_line(tmp_path: Path) -> None:
    file = tmp_path / "scenario.py"  # not of pytest, which writes messages for its own
    file.write_text("async def scenario():\n    total = 1\n    assert total == 2\n")

    (failure,) = explore(run_path(str(file))["scenario"]).failures

    assert failure.text == "AssertionError: assert total == 2"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_innermost_line_is_one_that_says_what_is_waited_for(backend: str) -> None:
    async def scenario() -> None:
        await anyio.Event().wait()

    (failure,) = explore(scenario, backend=backend).failures

    assert "(in " in failure.waiting[0]
    assert failure.waiting[0].endswith(" in wait)")
