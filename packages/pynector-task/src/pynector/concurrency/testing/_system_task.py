"""Tasks of trio that belong to no nursery of the scenario."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import CodeType
from typing import Any

import trio

from ._schedule import FaultKind
from ._task import SPARED_ALL, ScenarioTask

_TRIO = os.path.dirname(str(trio.__file__)) + os.sep
# Trio shields system tasks from Ctrl-C.
_SPARED_INTERRUPT: frozenset[FaultKind] = frozenset({"interrupt"})


def is_system_task(task: trio.lowlevel.Task) -> bool:
    """Whether *task* was started by `trio.lowlevel.spawn_system_task()`, or by trio itself."""
    nursery = task.parent_nursery
    return nursery is None or nursery.parent_task.parent_nursery is None


def spared_by_trio(system_task: trio.lowlevel.Task) -> frozenset[FaultKind]:
    """The kinds of fault that cannot strike a system task that has not begun yet."""
    code: CodeType | None = getattr(system_task.coro, "cr_code", None)
    of_trio = code is not None and code.co_filename.startswith(_TRIO)
    return SPARED_ALL if of_trio else _SPARED_INTERRUPT


def spared_by_parent(task: trio.lowlevel.Task, known: Mapping[Any, ScenarioTask]) -> frozenset[FaultKind]:
    """The kinds of fault that cannot strike a child of a system task: what it raised would end trio."""
    assert task.parent_nursery is not None
    parent = known.get(task.parent_nursery.parent_task)
    return frozenset[FaultKind]() if parent is None else parent.spared & _SPARED_INTERRUPT
