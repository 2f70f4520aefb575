"""What is done to a scenario in one run, written as a short token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

FaultKind: TypeAlias = Literal["scope", "native", "twice", "both", "interrupt"]
"""What is done to a task; `cancel_everywhere` says what each means."""
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(frozen=True, slots=True)
class Fault:
    """One injection: what is done to which task, after which step.

    Attributes:
        kind: `scope` cancels an AnyIO scope around the whole task; `native` is `asyncio.Task.cancel()`;
            `twice` is that two times in one tick; `both` is `scope` and `native` in one tick; `interrupt`
            raises `KeyboardInterrupt` where the task waits.
        victim: Number of the task, in order of creation; 0 is the scenario itself.
        step: The steps that have been taken when it happens.
    """

    kind: FaultKind
    victim: int
    step: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.victim}@{self.step}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read what `str` has written."""
        kind, _, place = text.partition("-")
        victim, _, step = place.partition("@")
        for known in FAULT_KINDS:
            if kind == known:
                return cls(known, int(victim), int(step))
        raise ValueError(f"no such fault: {kind!r}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides one run of a scenario.

    Attributes:
        backend: `asyncio` or `trio`.
        order: Who runs next: `fifo`, `random-SEED`, `pct-SEED`, or the choices that differ from `fifo`, such
            as `3=1,9=2`: at choice 3 the task that is second in line, at choice 9 the third.
        eager: Whether asyncio starts a new task at once (Python 3.12 and later).
        faults: What is injected, and when.
    """

    backend: str = "asyncio"
    order: str = "fifo"
    eager: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def token(self) -> str:
        """The schedule in one word, for `replay`."""
        backend = f"{self.backend}+eager" if self.eager else self.backend
        return "/".join([backend, self.order, *map(str, self.faults)])

    def without_faults(self) -> Schedule:
        """The stock order, and nothing injected."""
        return replace(self, order="fifo", faults=())

    @classmethod
    def parse(cls, token: str) -> Schedule:
        """Read a token.

        Raises:
            ValueError: The token is none.
        """
        try:
            backend, order, *faults = token.split("/")
            name, _, eager = backend.partition("+")
            if name not in {"asyncio", "trio"} or eager not in {"", "eager"}:
                raise ValueError(f"no such backend: {backend!r}")
            return cls(name, order, bool(eager), tuple(map(Fault.parse, faults)))
        except ValueError as error:
            raise ValueError(f"not a schedule's token: {token!r} ({error})") from None
