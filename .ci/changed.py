"""Print, as JSON, the packages that a change concerns: `python .ci/changed.py BASE`.

A changed layer concerns itself and all above it, the documentation none, anything else all.
"""

import json
import subprocess
import sys
from collections.abc import Iterable

LAYERS = ["task", "cancel", "primitives", "patterns"]
PROSE = ("docs/", "mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")


def concerned(paths: Iterable[str]) -> list[str]:
    """The layers that a change of these files concerns, lowest first."""
    lowest = len(LAYERS)
    for path in paths:
        if not path.startswith(PROSE):
            lowest = min(lowest, place(path))
    return LAYERS[lowest:]


def place(path: str) -> int:
    """How far up the stair a file lies; the rules of the house lie below all of it."""
    layers = [f"packages/pynector-{layer}/" for layer in LAYERS]
    return next((number for number, layer in enumerate(layers) if path.startswith(layer)), 0)


def changed_since(base: str) -> list[str]:
    """The files that differ from *base*; of an unknown base, one that stands for all."""
    diff = subprocess.run(["git", "diff", "--name-only", base, "HEAD"], capture_output=True, text=True)
    return diff.stdout.splitlines() if diff.returncode == 0 else ["pyproject.toml"]


if __name__ == "__main__":
    print(json.dumps(concerned(changed_since(sys.argv[1]))))
