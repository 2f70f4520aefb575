"""What the benchmarks of all packages share: tables of rows that do the same work, measured side by side.

A benchmark is a module with a list `TABLES`, in the `benchmarks` folder of its package; `run.py` runs it.
All rows of a table run in one event loop of one process, one after the other in each round, each round in
another order. So what a busy machine adds, it adds to all of them, and the ratios hold where the times do
not. Times are those of the processor: nothing measured here waits for anything but other tasks. Each row has
bytecode of its own, as each use of a library has.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import process_time
from types import CodeType, FunctionType, TracebackType
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
LOOPS = ("asyncio", "uvloop", "trio")
ASYNCIO = ("asyncio", "uvloop")
TRIO = ("trio",)


class Timer:
    """Tells the seconds that its block took, for a work that has something to prepare or to clear away."""

    seconds = 0.0

    def start(self) -> None:
        self._start = process_time()

    def stop(self) -> None:
        self.seconds = process_time() - self._start

    def __enter__(self) -> Timer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


Work = Callable[[], Awaitable[Timer | object]]
"""Is timed from beginning to end; if it gives a `Timer`, then that one's seconds count."""


@dataclass(frozen=True)
class Row:
    """One way to do the work of a table.

    Attributes:
        name: Whose way it is.
        make: Called before each round, outside the measured time; what it gives is awaited within.
        says: What it does and does not do: whether it is a checkpoint, whether it checks its owner.
        loops: The event loops on which it runs.
    """

    name: str
    make: Callable[[], Work]
    says: str = ""
    loops: tuple[str, ...] = LOOPS


@dataclass(frozen=True)
class Table:
    """The same work, done in several ways.

    Attributes:
        title: The work.
        operations: How often one round does it; times are for one operation.
        rows: The ways: ours first, and then the peers, and the limit.
        bars: The largest ratio of ours to each peer that is good enough, on asyncio and uvloop.
        trio_bars: The same on trio.
        peaks: The largest ratio of our peak to a peer's that is good enough; None: memory is not measured.
        note: What a reader of the figures should know.
        grows: Whether all rows are ours, at growing sizes: each is divided by the first, not the first by it.
        heavy: Whether a round takes seconds, so that a third of the rounds must do.
    """

    title: str
    operations: int
    rows: Sequence[Row]
    bars: dict[str, float] = field(default_factory=dict[str, float])
    trio_bars: dict[str, float] = field(default_factory=dict[str, float])
    peaks: dict[str, float] | None = None
    note: str = ""
    grows: bool = False
    heavy: bool = False

    def __post_init__(self) -> None:
        """Every table says what the event loop, or Python, costs by itself."""
        limited = {loop for row in self.rows if row.name.startswith("limit") for loop in row.loops}
        lacks = [loop for loop in self.rows[0].loops if loop not in limited]
        if lacks and not self.grows:
            raise ValueError(f"{self.title}: no limit row on {', '.join(lacks)}")

    def rounds(self, wanted: int) -> int:
        """How many rounds to measure: a third of those wanted, if one takes seconds."""
        return max(3, wanted // 3) if self.heavy else wanted

    def bar(self, row: str, loop: str) -> float | None:
        """The bar for one row."""
        return (self.trio_bars if loop in TRIO else self.bars).get(row)


@dataclass(frozen=True)
class Result:
    """What was measured for one row: seconds for one operation in each round, and the ratio of ours to it."""

    table: str
    loop: str
    row: str
    says: str
    seconds: list[float]
    ratios: list[float]
    bar: float | None

    def as_json(self) -> dict[str, object]:
        """What the JSON file keeps."""
        low, middle, high = quartiles(self.ratios)
        return {
            "table": self.table,
            "loop": self.loop,
            "row": self.row,
            "says": self.says,
            "microseconds": round(statistics.median(self.seconds) * 1e6, 4),
            "ours_to_it": {"median": middle, "quartiles": [low, high], "bar": self.bar},
        }


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The first, second and third quartile, rounded."""
    first, second, third = statistics.quantiles(values, n=4, method="inclusive")
    return round(first, 3), round(second, 3), round(third, 3)


async def measure(table: Table, loop: str, rounds: int) -> list[Result]:
    """Run all rows of *table* that run on *loop*, so many rounds, and one before that does not count."""
    rows = [row for row in table.rows if loop in row.loops]
    makes = [with_own_bytecode(row.make) for row in rows]
    seconds: list[list[float]] = [[] for _ in rows]
    for turn in range(rounds + 1):
        for place in range(len(rows)):
            number = (place + turn) % len(rows)
            took = await _time(makes[number])
            if turn:
                seconds[number].append(took / table.operations)
    return [
        Result(
            table.title,
            loop,
            row.name,
            row.says,
            times,
            [its / ours if table.grows else ours / its for ours, its in zip(seconds[0], times, strict=True)],
            table.bar(row.name, loop),
        )
        for row, times in zip(rows, seconds, strict=True)
    ]


def with_own_bytecode(func: Callable[..., T]) -> Callable[..., T]:
    """Give a copy of *func* that shares no bytecode with others, nor do the functions that it makes.

    CPython specialises bytecode for the types that it meets. Code that one uses for a lock of one library
    meets one kind of lock; a loop that all rows share would meet them all, and suit none.
    """
    if isinstance(func, partial):
        return partial(with_own_bytecode(func.func), *func.args, **func.keywords)
    if not isinstance(func, FunctionType):
        return func
    copy = FunctionType(
        _copy(func.__code__), func.__globals__, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _copy(code: CodeType) -> CodeType:
    consts = (_copy(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_consts=tuple(consts))


async def _time(make: Callable[[], Work]) -> float:
    work = make()
    gc.collect()
    with Timer() as timer:
        own = await work()
    return own.seconds if isinstance(own, Timer) else timer.seconds


def run_on(loop: str, func: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    """Run *func* on the event loop of this name."""
    if loop == "trio":
        return anyio.run(func, *args, backend="trio")
    if loop == "asyncio":
        return asyncio.run(func(*args))
    import uvloop

    return uvloop.run(func(*args))


def as_text(results: list[Result]) -> str:
    """The table for a terminal."""
    lines = [
        f"\n{results[0].table}, on {results[0].loop}",
        f"  {'':38} {'us':>8}   ours ÷ it [quartiles]     bar",
    ]
    for result in results:
        low, middle, high = quartiles(result.ratios)
        bar = "" if result.bar is None else f"{result.bar:.2f} {'ok' if middle <= result.bar else 'OVER'}"
        name = f"{result.row} ({result.says})" if result.says else result.row
        times = f"{statistics.median(result.seconds) * 1e6:8.3f}"
        lines.append(f"  {name:60} {times}   {middle:.2f} [{low:.2f} {high:.2f}]   {bar}")
    return "\n".join(lines)
