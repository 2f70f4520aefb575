"""The four distributions as the checkout declares them, lowest first."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Distribution:
    """One folder under `packages/`."""

    folder: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    @property
    def leaves(self) -> set[str]:
        return {path.name for path in (self.folder / "src/pynector/concurrency").iterdir() if path.is_dir()}

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(line) for line in self.project["dependencies"]]

    @property
    def optional(self) -> set[str]:
        extras = self.project["optional-dependencies"].values()
        return {Requirement(line).name for lines in extras for line in lines}

    @property
    def imports(self) -> set[str]:
        """The dotted names that the source imports, the standard library's left out."""
        sources = (self.folder / "src").rglob("*.py")
        names = {name for path in sources for name in imported(path.read_text(encoding="utf-8"))}
        return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


LAYERS = [ROOT / "packages" / f"pynector-{name}" for name in ("task", "cancel", "primitives", "patterns")]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def layers() -> list[Distribution]:
    return [Distribution(folder) for folder in LAYERS]


@pytest.fixture(scope="session", params=LAYERS, ids=lambda folder: folder.name)
def distribution(request: pytest.FixtureRequest) -> Distribution:
    return Distribution(request.param)


@pytest.fixture(scope="session")
def below(distribution: Distribution) -> Distribution | None:
    """The distribution directly below, if there is one."""
    place = LAYERS.index(distribution.folder)
    return Distribution(LAYERS[place - 1]) if place else None
