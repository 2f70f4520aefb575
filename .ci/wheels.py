"""Check the artefacts in `dist/`: what each wheel holds, says, and brings when it is installed alone.

With `--build cancel`, build the wheel of that package and those of the layers below it first, and check that.
"""

import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
LAYERS = {
    "pynector-task": {"task", "testing"},
    "pynector-cancel": {"cancel", "errors"},
    "pynector-primitives": {"primitives"},
    "pynector-patterns": {"patterns"},
}
# Runs where one wheel is installed: the leaves that must import, then those that must not be there.
PROBE = """
import importlib, importlib.util, sys
there, absent = (set(filter(None, names.split(","))) for names in sys.argv[1:])
for leaf in there:
    assert importlib.import_module(f"pynector.concurrency.{leaf}").__file__, f"{leaf} is an empty folder"
found = {leaf for leaf in absent if importlib.util.find_spec(f"pynector.concurrency.{leaf}")}
assert not found, f"brings leaves of a layer above: {found}"
for name in ("pynector", "pynector.concurrency"):
    assert sys.modules[name].__spec__.origin is None, f"{name} is no namespace any more"
"""


def version(name: str) -> str:
    return tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text())["project"]["version"]


def check_content(name: str, wheel: Path) -> None:
    folders = tuple(f"pynector/concurrency/{leaf}/" for leaf in LAYERS[name])
    metadata = f"{name.replace('-', '_')}-{version(name)}.dist-info/"
    files = zipfile.ZipFile(wheel).namelist()
    strangers = [file for file in files if not file.startswith((*folders, metadata))]
    assert not strangers, f"{wheel.name} holds {strangers}"
    untyped = [folder for folder in folders if f"{folder}py.typed" not in files]
    assert not untyped, f"{wheel.name} has no py.typed in {untyped}"
    assert f"{metadata}licenses/LICENSE" in files, f"{wheel.name} has no licence"
    check_requirements(name, zipfile.ZipFile(wheel).read(f"{metadata}METADATA").decode())


def check_requirements(name: str, metadata: str) -> None:
    lines = Parser().parsestr(metadata).get_all("Requires-Dist") or []
    siblings = [str(r) for r in map(Requirement, lines) if r.name.startswith("pynector")]
    below = ["", *LAYERS][list(LAYERS).index(name)]
    expected = [str(Requirement(f"{below}~={version(name)}"))] if below else []
    assert siblings == expected, f"{name} requires {siblings}, not {expected}"


def check_alone(name: str, *how: str) -> None:
    place = list(LAYERS).index(name) + 1
    there = set().union(*list(LAYERS.values())[:place])
    absent = set().union(*LAYERS.values()) - there
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "Scripts" if sys.platform == "win32" else "bin", "python")
        run("uv", "--quiet", "venv", "--python", sys.executable, folder)
        install = ("uv", "--quiet", "pip", "install", "--python", str(python), "--find-links", str(DIST))
        run(*install, *how, f"{name}=={version(name)}")
        run(str(python), "-I", "-c", PROBE, ",".join(there), ",".join(absent))


def run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=tempfile.gettempdir())


def build(name: str) -> None:
    for layer in list(LAYERS)[: list(LAYERS).index(name) + 1]:
        run("uv", "--quiet", "build", "--wheel", "--out-dir", str(DIST), str(ROOT / "packages" / layer))


def check(name: str) -> None:
    wheel = DIST / f"{name.replace('-', '_')}-{version(name)}-py3-none-any.whl"
    check_content(name, wheel)
    check_alone(name)
    print(f"{wheel.name}: its own layer and those below, nothing above")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build(f"pynector-{sys.argv[2]}")
        check(f"pynector-{sys.argv[2]}")
        sys.exit()
    for name in LAYERS:
        check(name)
    # The same from the source distributions, of the whole stair.
    check_alone("pynector-patterns", *(option for name in LAYERS for option in ("--no-binary", name)))
    print("source distributions: build and import")
