"""What is done to a scenario in one run, written as a short token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from .._refusals import refuse_wrong_backend, refuse_wrong_lateness
from .chooser import chooser_for, seed_of

FaultKind: TypeAlias = Literal["scope", "native", "twice", "again", "both", "interrupt"]
"""What is done to a task; `cancel_everywhere` says what each means."""
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
ON_TRIO: frozenset[FaultKind] = frozenset({"scope", "interrupt"})


def refuse_wrong_fault(kind: object, backend: str) -> None:
    """Complain, if there is no such fault, or not on this backend."""
    if kind not in FAULT_KINDS:
        raise ValueError(f"faults must be of {', '.join(FAULT_KINDS)}, not {kind!r}")
    if backend == "trio" and kind not in ON_TRIO:
        raise ValueError(f"trio knows no native cancellation; faults may be scope or interrupt, not {kind!r}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One injection: what is done to which task, after which step.

    Attributes:
        kind: `scope` cancels an AnyIO scope around the whole task; `native` is `asyncio.Task.cancel()`;
            `twice` is that two times in one tick; `again` is that, and once more where the task waits next;
            `both` is `scope` and `native` in one tick; `interrupt` raises `KeyboardInterrupt` where the task
            waits.
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
            if kind == known and victim.isdecimal() and step.isdecimal():
                return cls(known, int(victim), int(step))
        raise ValueError(f"no such fault: {text!r}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides one run of a scenario.

    Attributes:
        backend: `asyncio` or `trio`.
        order: Who runs next: `fifo`, `random-SEED`, `pct-SEED`, or the choices that differ from `fifo`, such
            as `3=1,9=2`: at choice 3 the task that is second in line, at choice 9 the third.
        eager: Whether asyncio starts a new task at once (Python 3.12 and later).
        faults: What is injected, and when.
        lateness: Seconds by which a timer may fire late; in `fifo`, none ever does.
        seed: Decides the numbers that `random` draws and when fast paths pass a checkpoint, where the order
            has no seed of its own.
    """

    backend: str = "asyncio"
    order: str = "fifo"
    eager: bool = False
    faults: tuple[Fault, ...] = ()
    lateness: float = 0.0
    seed: int | None = None

    @property
    def numbers(self) -> int | None:
        """What decides the numbers that are drawn: the seed of the order, or the one beside it."""
        own = seed_of(self.order)
        return self.seed if own is None else own

    @property
    def token(self) -> str:
        """The schedule in one word, for `replay`."""
        backend = f"{self.backend}+eager" if self.eager else self.backend
        if self.lateness and self.order != "fifo":
            backend += f"+late={self.lateness}".replace("e+", "e")
        if self.seed is not None:
            backend += f"+seed={self.seed}"
        return "/".join([backend, self.order, *map(str, self.faults)])

    def without_faults(self) -> Schedule:
        """The stock order, and nothing injected."""
        return replace(self, order="fifo", faults=())

    @classmethod
    def parse(cls, token: str) -> Schedule:
        """Read a token.

        Raises:
            TypeError: The token is no text.
            ValueError: The token cannot be read, or tells of what the backend does not have.
        """
        if not isinstance(token, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"token must be what a failure prints, such as 'asyncio/5=1', not {token!r}")
        try:
            backend, slash, rest = token.partition("/")
            if not slash:
                raise ValueError("it names no order")
            order, *faults = rest.split("/")
            name, *modifiers = backend.split("+")
            if name not in {"asyncio", "trio"}:
                raise ValueError(f"no such backend: {backend!r}")
            chooser_for(order)
            eager, lateness, seed = _parse_modifiers(modifiers)
            refuse_wrong_backend(name, eager=eager)
            parsed = tuple(map(Fault.parse, faults))
            for fault in parsed:
                refuse_wrong_fault(fault.kind, name)
            return cls(name, order, eager, parsed, lateness, seed)
        except ValueError as error:
            raise ValueError(
                f"not a schedule's token: {token!r} ({error}); it is what a failure prints,"
                " such as 'asyncio/fifo/scope-1@3' or 'trio/random-7'"
            ) from None


def _parse_modifiers(modifiers: list[str]) -> tuple[bool, float, int | None]:
    eager, lateness, seed = False, 0.0, None
    for modifier in modifiers:
        name, _, value = modifier.partition("=")
        if modifier == "eager":
            eager = True
        elif name == "late":
            lateness = float(value)
            refuse_wrong_lateness(lateness)
        elif name == "seed" and value.removeprefix("-").isdecimal():
            seed = int(value)
        else:
            raise ValueError(f"no such modifier: {modifier!r}")
    return eager, lateness, seed
