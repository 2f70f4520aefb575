"""Schedules in several processes."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pickle
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from time import perf_counter
from typing import Any

from .._refusals import refuse_in_a_loop, refuse_what_is_no_scenario
from .._report.report import Report
from .session import Scenario
from .task import scenario_name

_UNGUARDED = (
    'each of them imports the main module, so a script must call this under `if __name__ == "__main__":`'
)

# What one process does of the whole: it takes every *count*-th schedule, beginning with *index*.
Share = Callable[[Scenario, int, int], Report]


def spread(
    share: Share, scenario: Scenario, processes: int, *, victims: Callable[[str], bool] | None = None
) -> Report:
    """Let several processes do their share each, and put their reports together.

    Raises:
        ValueError: The scenario, or what *share* asks about victims, cannot be found by its name in another
            process.
        RuntimeError: A process has ended too early, or this one cannot start any yet.
    """
    refuse_what_is_no_scenario(scenario)
    refuse_in_a_loop()
    modules = [_module("scenario", scenario)]
    if victims is not None:
        modules.append(_module("victims", victims))
    pickled = pickle.dumps((share, scenario))
    began = perf_counter()
    with _explained(), ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as executor:
        jobs = [
            executor.submit(_do_share, modules, pickled, number, processes) for number in range(processes)
        ]
        report = _merge([job.result() for job in jobs])
    return replace(report, seconds=perf_counter() - began)


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise RuntimeError(f"a process ended before its schedules were run; {_UNGUARDED}") from None
    except RuntimeError as error:
        if "bootstrapping" not in str(error):
            raise
        raise RuntimeError(f"this process cannot start others yet; {_UNGUARDED}") from None


def _module(argument: str, function: Any) -> tuple[str, str]:
    """The name and the file of the module in which another process finds a function."""
    inner = function
    while isinstance(inner, partial):
        inner = inner.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    try:
        pickle.dumps(function)
        return inner.__module__, inspect.getfile(inner)
    except (AttributeError, TypeError, OSError, pickle.PicklingError) as error:
        name = scenario_name(function)
        raise ValueError(
            f"over processes, {argument} must be a function of a module, not {name} ({error})"
        ) from None


def _do_share(modules: list[tuple[str, str]], pickled: bytes, index: int, count: int) -> Report:
    for name, file in modules:
        _import(name, file)
    share, scenario = pickle.loads(pickled)
    report: Report = share(scenario, index, count)
    report.failures = [replace(failure, error=None) for failure in report.failures]
    return report


def _import(module: str, file: str) -> None:
    # pytest loads test files by their path, under names that cannot be imported.
    try:
        importlib.import_module(module)
    except ImportError:
        spec = importlib.util.spec_from_file_location(module, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[module] = loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)


def _merge(reports: list[Report]) -> Report:
    merged = reports[0]
    for report in reports[1:]:
        merged.schedules += report.schedules
        merged.steps += report.steps
        merged.stopped_after += report.stopped_after
        for kind, times in report.fired.items():
            merged.fired[kind] = merged.fired.get(kind, 0) + times
        for failure in report.failures:
            known = next((each for each in merged.failures if each.signature == failure.signature), None)
            if known is None:
                merged.failures.append(failure)
            else:
                known.count += failure.count
    return merged
