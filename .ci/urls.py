"""Writes the project's addresses into the metadata of all packages: `python .ci/urls.py`; `--check` compares.

They are set once, in `[tool.pynector]` of the root's pyproject.toml; the site reads them there, too.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.compile(r"^\[project\.urls\]\n(?:.+\n)*\n", re.MULTILINE)
NEXT = re.compile(r"^\[(?!build-system\]|project\])", re.MULTILINE)


def table(repository: str, documentation: str) -> str:
    """The table of addresses; empty while none is set."""
    found = {"Documentation": documentation, "Repository": repository}
    if repository:
        found["Issues"] = f"{repository}/issues"
        found["Changelog"] = f"{repository}/blob/main/CHANGELOG.md"
    lines = [f'{name} = "{address}"\n' for name, address in found.items() if address]
    return "".join(["[project.urls]\n", *lines, "\n"]) if lines else ""


def written(metadata: str, urls: str) -> str:
    """The metadata of a package with these addresses in place of those it had."""
    bare = TABLE.sub("", metadata)
    place = NEXT.search(bare)
    assert place is not None
    return bare[: place.start()] + urls + bare[place.start() :]


def main() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pynector"]
    urls = table(settings["repository"].rstrip("/"), settings["documentation"])
    stale = []
    for path in sorted(ROOT.glob("packages/*/pyproject.toml")):
        metadata = path.read_text(encoding="utf-8")
        if (new := written(metadata, urls)) != metadata:
            stale.append(path.parent.name)
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.exit(f"addresses differ from the root's; run python .ci/urls.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
