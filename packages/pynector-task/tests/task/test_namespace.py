"""Another distribution that hides the namespace is named, with what to do."""

import subprocess
import sys
from pathlib import Path

SHADOW = """
import importlib, sys, types
from importlib.machinery import ModuleSpec
import pynector.concurrency.task
for name in [name for name in sys.modules if name.startswith("pynector.concurrency")]:
    del sys.modules[name]
sys.modules["pynector"].__spec__ = ModuleSpec("pynector", None, origin="pynector/__init__.py")
import pynector.concurrency.task
"""


def test_an_installed_pynector_0_1_is_named_with_what_to_do() -> None:
    result = subprocess.run([sys.executable, "-c", SHADOW], capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert "the distribution 'pynector' 0.1, an earlier and unrelated code base" in result.stderr
    assert "pip uninstall pynector" in result.stderr


def test_pynector_and_pynector_concurrency_are_namespaces_without_a_file() -> None:
    import pynector
    import pynector.concurrency

    assert pynector.__file__ is None
    assert pynector.concurrency.__file__ is None
    assert all(not (Path(folder) / "__init__.py").exists() for folder in pynector.__path__)
