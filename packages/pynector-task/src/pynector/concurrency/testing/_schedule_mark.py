"""What the mark of a test says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from inspect import iscoroutinefunction, signature
from typing import Any, cast

import pytest

from ._cancel import cancel_everywhere
from ._explore import explore
from ._schedule import FAULT_KINDS, ON_TRIO

_BACKENDS = ("asyncio", "trio")
_OF_ASYNCIO = [kind for kind in FAULT_KINDS if kind not in ON_TRIO]


def _options_of(function: Callable[..., object]) -> frozenset[str]:
    return frozenset(signature(function).parameters) - {"scenario", "backend", "processes"}


_OPTIONS: dict[str, frozenset[str]] = {
    "explore": _options_of(explore),
    "cancel_everywhere": _options_of(cancel_everywhere),
    "virtual_time": frozenset(),
}


@dataclass(slots=True)
class ScheduleMark:
    """What the mark of a test says: of those on function, class and module the nearest.

    Attributes:
        name: `explore`, `cancel_everywhere` or `virtual_time`.
        options: The options given, but for the backends.
        backends: On which it runs.
        wrong: What is wrong with it, if anything is.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    backends: list[str] = field(default_factory=list[str])
    wrong: str = ""


def schedule_mark(item: pytest.Function, function: object) -> ScheduleMark | None:
    """The mark of a test, if it has one."""
    marks = [(node, mark) for node, mark in item.iter_markers_with_node() if mark.name in _OPTIONS]
    if not marks:
        return None
    nearest, mark = marks[0]
    names = sorted({mark.name for node, mark in marks if node is nearest})
    options = dict(mark.kwargs)
    backends = options.pop("backends", None)
    wrong = (
        _wrong_names(names, function)
        or _wrong_options(mark, options)
        or _wrong_backends("backends", backends)
    )
    if wrong:
        return ScheduleMark(mark.name, wrong=wrong)
    return ScheduleMark(mark.name, options, list(backends or _backends_for(options, item.config)))


def _backends_for(options: Mapping[str, Any], config: pytest.Config) -> list[str]:
    """Those of `backends_of` that have what the options ask for."""
    faults = options.get("faults")
    asked = list(cast("Collection[object]", faults)) if isinstance(faults, Collection) else []
    needs_asyncio = options.get("eager") or any(kind in _OF_ASYNCIO for kind in asked)
    return [backend for backend in backends_of(config) if backend == "asyncio" or not needs_asyncio]


def backends_of(config: pytest.Config) -> list[str]:
    """The backends of tests whose marks name none: those of the ini file, or all that are installed.

    Raises:
        pytest.UsageError: The ini file names one that does not exist.
    """
    named: list[str] = config.getini("schedule_backends")
    if not named:
        return installed_backends()
    wrong = _wrong_backends("schedule_backends", named)
    if wrong:
        raise pytest.UsageError(wrong)
    return named


def installed_backends() -> list[str]:
    """asyncio, and trio if it can be imported."""
    return [backend for backend in _BACKENDS if backend == "asyncio" or find_spec(backend)]


def only_async(name: str, function: object) -> str:
    """What is wrong with a mark on this function, if it is not async."""
    if iscoroutinefunction(function):
        return ""
    if hasattr(function, "hypothesis"):
        return (
            f"a test under hypothesis' @given cannot be marked {name!r}: call explore() or"
            " cancel_everywhere() inside the test, with a scenario made from what was drawn"
        )
    return f"only an async test can be marked {name!r}"


def _wrong_names(names: list[str], function: object) -> str:
    if len(names) > 1:
        return f"marked {' and '.join(names)}; one test has one of them"
    return only_async(names[0], function)


def _wrong_options(mark: pytest.Mark, options: Collection[str]) -> str:
    if mark.args:
        return f"{mark.name!r} takes its options by name, not {mark.args[0]!r}"
    if "backend" in options:
        return f"{mark.name!r} takes no backend; use backends=[...]"
    if "processes" in options:
        return f"{mark.name!r} takes no processes: a test runs in one; pytest-xdist runs tests in several"
    for name in options:
        if name not in _OPTIONS[mark.name]:
            return f"{mark.name!r} takes no option {name!r}"
    return ""


def _wrong_backends(name: str, backends: object) -> str:
    if backends is None:
        return ""
    if isinstance(backends, str) or not isinstance(backends, Collection) or not backends:
        return f"{name} must be a list such as ['asyncio'], not {backends!r}"
    for backend in backends:  # pyright: ignore[reportUnknownVariableType]
        if backend not in _BACKENDS:
            return f"{name} must be of {', '.join(_BACKENDS)}, not {backend!r}"
    return ""
