"""Run Hatch, and install it first where it is missing: `python3 .ci/hatch.py run demo`.

Needs Python 3.11 and pip, nothing else: no ensurepip, no uv, no activated environment. Hatch goes into a
folder of the checkout, so that systems which refuse `pip install` (PEP 668) are left alone.
"""

import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

VERSION = "1.18.2"
ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".hatch" / f"hatch-{VERSION}-{sys.implementation.cache_tag}"
SCRIPTS = HOME / ("Scripts" if os.name == "nt" else "bin")
INSTALLED = HOME / "installed"


def install() -> None:
    """Make the environment anew, and mark it when it is whole."""
    if find_spec("pip") is None:
        sys.exit(f"{sys.executable} has no pip; install it, or run `uvx hatch` in place of this script")
    print(f"installing Hatch {VERSION} in {HOME}", file=sys.stderr, flush=True)
    venv.create(HOME, clear=True, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(SCRIPTS / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-qq", f"hatch=={VERSION}"], check=True)
    INSTALLED.touch()


if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets first
    sys.exit(f"pynector needs Python 3.11 or later, not {sys.version.partition(' ')[0]} ({sys.executable})")
if not INSTALLED.exists():
    install()
sys.exit(subprocess.run([str(SCRIPTS / "hatch"), *sys.argv[1:]], cwd=ROOT).returncode)
