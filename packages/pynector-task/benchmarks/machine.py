"""Where figures come from."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

COMPARED = (
    "anyio",
    "trio",
    "uvloop",
    "aiologic",
    "aiometer",
    "aiojobs",
    "asyncio-connection-pool",
    "psycopg-pool",
    "stamina",
    "tenacity",
)


def describe_machine() -> dict[str, str]:
    """The day, the interpreter, the processor, and the versions of all that is compared."""
    versions = {name: _version(name) for name in COMPARED}
    return {
        "Date": date.today().isoformat(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Compiler": platform.python_compiler(),
        "Machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} on {platform.machine()}",
        "Versions": ", ".join(f"{name} {found}" for name, found in versions.items() if found),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
