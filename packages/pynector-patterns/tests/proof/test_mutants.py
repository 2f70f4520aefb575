"""The tester is tested: each fault planted into a copy of our code is found within a thousand schedules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import MUTANTS, PACKAGES, Mutant

HERE = Path(__file__).parent
LIMIT = "1000"


def hunt(scenario: str, *first_on_path: Path) -> subprocess.CompletedProcess[str]:
    roots = [*map(str, first_on_path), *(str(path) for path in sorted(PACKAGES.glob("*/src")))]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "hunt.py", scenario, LIMIT],
        cwd=HERE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def copy_of_leaf(mutant: Mutant, target: Path) -> Path:
    """Copy the leaf that the mutant changes, changed; the other leaves stay where they are."""
    root, _, inner = mutant.file.partition("/src/")
    leaf = Path(*Path(inner).parts[:3])
    for path in (PACKAGES / root / "src" / leaf).rglob("*.py"):
        copied = target / path.relative_to(PACKAGES / root / "src")
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (target / inner).write_text(mutant.source(), encoding="utf-8")
    return target


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_planted_fault_is_found_within_1000_schedules(mutant: Mutant, tmp_path: Path) -> None:
    result = hunt(mutant.scenario, copy_of_leaf(mutant, tmp_path))

    assert result.returncode == 1, result.stderr or "not found"
    assert "found after" in result.stdout, result.stderr


@pytest.mark.parametrize("scenario", sorted({mutant.scenario for mutant in MUTANTS}))
def test_nothing_is_found_in_the_original(scenario: str) -> None:
    result = hunt(scenario)

    assert result.returncode == 0, result.stdout + result.stderr
