"""Run AnyIO's own tests with our classes under AnyIO's names.

The tests come from AnyIO's source distribution, of the version that is installed. Arguments go to pytest.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FILES = [
    "test_concurrency_utils.py",
    "test_contextmanagers.py",
    "test_debugging.py",
    "test_from_thread.py",
    "test_functools.py",
    "test_futures.py",
    "test_itertools.py",
    "test_lowlevel.py",
    "test_synchronization.py",
    "test_taskgroups.py",
    "test_to_thread.py",
    "streams/test_memory.py",
]
PLUGINS = ["-p", "stand_ins", "-p", "anyio", "-p", "pytest_mock", "-p", "timeout"]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        source = download(Path(folder))
        tests = [f"tests/{name}" for name in FILES]
        environment = os.environ | {"PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", *PLUGINS, "-q", *tests, *sys.argv[1:]]
        return subprocess.run(command, cwd=source, env=environment, check=False).returncode


def download(folder: Path) -> Path:
    """Fetch AnyIO's source distribution, and give the folder with its tests."""
    wanted = f"anyio=={version('anyio')}"
    options = ["--no-deps", "--no-binary", "anyio", "--dest", str(folder)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "download", *options, wanted], check=True)
    (archive,) = folder.glob("anyio-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


if __name__ == "__main__":
    sys.exit(main())
