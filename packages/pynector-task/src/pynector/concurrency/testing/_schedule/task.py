"""A task of a scenario, as the tester sees it."""

from __future__ import annotations

from collections.abc import Coroutine
from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType
from typing import Any

from .._report.stack import awaiting
from .schedule import FAULT_KINDS, FaultKind

# What the backend starts to clean up, nobody else can cancel.
SPARED_ALL: frozenset[FaultKind] = frozenset(FAULT_KINDS)

# The reason that a fault gives when it cancels a scope: a task is cancelled by others, too.
INJECTED = "a fault, injected"


class ScenarioTask:
    """A task of a scenario.

    Attributes:
        number: Its place in the order of creation; 0 is the scenario itself.
        coroutine: What it runs.
        native: The backend's task, once there is one.
        scope: What the tester cancels, in a run that cancels this task by scope.
        born: Steps taken when it was made.
        ended: Steps taken when it ended, or None.
        last_step: Steps taken when its last step was over.
        injected: Whether a fault was injected into it.
        interrupted: Whether `KeyboardInterrupt` is to be raised in it as soon as it can be.
        saw_fault: Whether what a fault is to raise in it has been raised.
        spared: The kinds of fault that nothing in the world could do to it.
        swallowed: Whether it ended as if nothing had happened, although a cancellation had reached it.
    """

    __slots__ = (
        "_name",
        "_name_in_full",
        "born",
        "coroutine",
        "ended",
        "injected",
        "interrupted",
        "last_step",
        "native",
        "number",
        "saw_fault",
        "scope",
        "spared",
        "swallowed",
    )

    def __init__(self, number: int, name: str, coroutine: Coroutine[Any, Any, Any], born: int) -> None:
        self.number: int = number
        self._name: str = short_name(name)
        self._name_in_full: str | None = None  # as the backend knew it last
        self.coroutine: Any = coroutine
        self.native: Any = None
        self.scope: Any = None
        self.born: int = born
        self.ended: int | None = None
        self.last_step: int = 0
        self.injected: bool = False
        self.interrupted: bool = False
        self.saw_fault: bool = False
        self.spared: frozenset[FaultKind] = frozenset()
        self.swallowed: bool = False

    def __str__(self) -> str:
        return f"{self.name}#{self.number}"

    @property
    def name(self) -> str:
        """The name of the function that it runs, or the name that it was given."""
        full = _name_of(self.native)
        if full != self._name_in_full and full is not None:
            self._name, self._name_in_full = short_name(full), full
        return self._name

    def become(self, native: Any) -> None:
        """There is a task of the backend now; it may be renamed."""
        self.native = native
        self._name_in_full = _name_of(native)

    def forget(self) -> None:
        """Let go of what belongs to the backend, but not of the name."""
        self._name = self.name
        self.native = self.scope = self.coroutine = None

    @property
    def is_new(self) -> bool:
        """Whether it has not taken its first step."""
        is_coroutine = isinstance(self.coroutine, CoroutineType)
        return is_coroutine and getcoroutinestate(self.coroutine) == CORO_CREATED

    @property
    def has_ended(self) -> bool:
        """Whether it has taken its last step."""
        coroutine: Any = self.coroutine
        if isinstance(coroutine, CoroutineType):
            return coroutine.cr_frame is None
        done = getattr(self.native, "done", None)
        return coroutine is None or done is None or bool(done())

    def where(self, *, innermost: bool = True) -> str:
        """The line on which it waits."""
        return awaiting(self.coroutine, innermost=innermost)


def _name_of(native: Any) -> str | None:
    # Of asyncio's tasks. Those of trio keep the names that they are made with.
    get_name = getattr(native, "get_name", None)
    return None if get_name is None else str(get_name())


def short_name(name: str) -> str:
    """`module.outer.<locals>.user` is `user`; what is no function's name, such as `db.1`, is kept."""
    last = name.rpartition(".")[2]
    return last if last.isidentifier() or last.startswith("<") else name


def scenario_name(scenario: object) -> str:
    """What to call a scenario in code: the name of its function."""
    function = getattr(scenario, "func", scenario)
    return str(getattr(function, "__name__", function))
